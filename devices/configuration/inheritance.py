"""Configuration files that extend others: `extends` names a parent, and the file states only what differs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.configuration.detector_list import EXPOSURE_KEYS
from devices.configuration.fields import Fault, table_name
from devices.configuration.relation_faults import SCHEME_KEYS
from devices.configuration.toml_file import read_toml
from errors import ConfigurationError

EXTENDS = "extends"
OMITS = "omits"

WHOLE_TABLES = ("pump_scheme",)
"""Tables that replace the parent's as a whole: their keys make sense only together."""

MOST_PARENTS = 16
"""Largest number of generations of parents; more can only be a mistake."""


@dataclass(frozen=True, kw_only=True)
class InheritedContent:
    """The merged `content` of a file and its parents; `origins` has the file of each key by (table, key).

    `faults`: what is wrong with `extends` and `omits`. With `lacks_parent` one of the parents could not be read, so
    that keys and tables may be missing that it would have set.
    """

    content: dict[str, Any]
    origins: dict[tuple[str, str], Path] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    lacks_parent: bool = False

    def file_of(self, table: str) -> Path | None:
        """Return the file that the first key of a table comes from; None for a missing table."""
        return next((path for (name, _), path in self.origins.items() if name == table), None)


def read_inherited(path: Path, named: Mapping[str, Path]) -> InheritedContent:
    """Return the content of a configuration file, merged with that of the parents that it extends.

    `named`: parents that may be given by a name instead of a path. Tables are merged by key, everything else replaces
    the parent's value. Raises ConfigurationError if the file itself cannot be read. A parent that is missing, cannot be
    read or extends its child, and a key to omit that the parent lacks, are among the `faults` of the answer.
    """
    return _read(path, named, ())


def _read(path: Path, named: Mapping[str, Path], children: tuple[Path, ...]) -> InheritedContent:
    content = read_toml(path)
    extends = content.pop(EXTENDS, None)
    omits = content.pop(OMITS, [])
    own = _origins(content, path)
    # The reader names the file that was asked for; a fault in one of its parents names that file itself.
    file = path if children else None
    if extends is None:
        needs = (
            f"= {omits!r} needs {EXTENDS}, because only inherited tables and keys can be omitted. Add {EXTENDS}, or "
            f"remove {OMITS}."
        )
        faults = (Fault(table="", key=OMITS, message=needs, file=file),) if omits else ()
        return InheritedContent(content=content, origins=own, faults=faults)
    try:
        parent_path = _parent(path, extends, named)
        parent = _read(parent_path, named, _family(path, parent_path, children))
    except ConfigurationError as error:
        fault = Fault(table="", key=EXTENDS, message=f"= {extends!r}: {error}", file=file)
        return InheritedContent(content=content, origins=own, faults=(fault,), lacks_parent=True)
    inherited = deepcopy(parent.content)
    # What the child sets itself is merged last, so it stays even if the same key is omitted or replaced.
    wrong = [] if parent.lacks_parent else _leave_out(inherited, omits, parent_path)
    _drop_replaced(inherited, content)
    merged = _merged(inherited, content)
    kept = {key: origin for key, origin in parent.origins.items() if key in _origins(merged, path)}
    return InheritedContent(
        content=merged,
        origins={**kept, **own},
        faults=(*parent.faults, *(Fault(table="", key=OMITS, message=message, file=file) for message in wrong)),
        lacks_parent=parent.lacks_parent,
    )


def _family(path: Path, parent: Path, children: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return `children` and the file itself; raises ConfigurationError if its parent is one of them."""
    family = (*children, path.resolve())
    if parent.resolve() in family or len(family) > MOST_PARENTS:
        chain = " extends ".join(map(str, (*family, parent.resolve())))
        raise ConfigurationError(f"leads in a circle: {chain}. Remove one of them.")
    return family


def _drop_replaced(inherited: dict[str, Any], content: Mapping[str, Any]) -> None:
    """Remove the parent's tables and keys that a table of the child describes in another way."""
    # What the file itself sets beside such a table is reported as a fault; what it inherits is not its mistake.
    replaced: dict[str, tuple[str, ...]] = dict(SCHEME_KEYS) if "pump_scheme" in content else {}
    if "detectors" in content:
        replaced["exposure"] = (*replaced.get("exposure", ()), *EXPOSURE_KEYS)
    for table, keys in replaced.items():
        for key in keys:
            inherited.get(table, {}).pop(key, None)
    if "fixed_mj_cm2" in content.get("fluence", {}):
        inherited.pop("fluence", None)  # its attenuator


def _parent(path: Path, extends: Any, named: Mapping[str, Path]) -> Path:
    """Return the file that `extends` names, by one of the names or by a path relative to the file at `path`."""
    known = ", ".join(map(repr, named))
    if not isinstance(extends, str) or not extends:
        raise ConfigurationError(
            f"must be a string in quotes. Give the path of a configuration file, or one of {known}."
        )
    if extends in named:
        return named[extends]
    parent = path.parent / Path(extends).expanduser()
    if not parent.is_file():
        raise ConfigurationError(
            f"there is no file {parent}. Give the path of a configuration file, relative to this one, or one of "
            f"{known}."
        )
    return parent


def _leave_out(content: dict[str, Any], omits: Any, parent: Path) -> list[str]:
    """Remove tables and keys, "table.key", from the inherited content; return what is wrong with `omits`, in words."""
    if not isinstance(omits, list) or not all(isinstance(one, str) for one in omits):
        return [f"= {omits!r}: must be a list of tables or keys. Give them as in ['sdd', 'energy.motor']."]
    wrong = []
    for name in omits:
        *tables, key = name.split(".")
        holder: Any = content
        # A path through something that is not a table ends at an empty one, so that it is reported as unknown like any.
        for table in tables:
            holder = holder.get(table, {}) if isinstance(holder, dict) else {}
        if isinstance(holder, dict) and key in holder:
            del holder[key]
        else:
            wrong.append(f"has {name!r}, but {parent} has no such table or key.{_suggestion(name, content)}")
    return wrong


def _suggestion(name: str, content: Mapping[str, Any]) -> str:
    """Return the closest table or key of `content` as a hint, or else what to do."""
    keys = (f"{table}.{key}" for table, inner in content.items() if isinstance(inner, dict) for key in inner)
    close = difflib.get_close_matches(name, [*content, *keys], n=1)
    return f" Did you mean {close[0]}?" if close else " Remove the entry."


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any], table: str = "") -> dict[str, Any]:
    merged = dict(parent)
    for key, value in child.items():
        inner = f"{table}.{key}" if table else key
        both = isinstance(value, dict) and isinstance(parent.get(key), dict) and inner not in WHOLE_TABLES
        merged[key] = _merged(parent[key], value, inner) if both else value
    return merged


def _origins(content: Mapping[str, Any], path: Path, table: str = "") -> dict[tuple[str, str], Path]:
    """Return `path` for every key of the content, by (table, key) as faults name them."""
    found: dict[tuple[str, str], Path] = {}
    for key, value in content.items():
        found[table, key] = path
        if isinstance(value, dict):
            found |= _origins(value, path, table_name(table, key) if table else key)
    return found
