"""Configuration files that extend others: `extends` names a parent, and the file states only what differs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.configuration.detector_list import EXPOSURE_KEYS
from devices.configuration.fields import table_name
from devices.configuration.reading import read_toml
from devices.configuration.relation_faults import SCHEME_KEYS
from errors import ConfigurationError

EXTENDS = "extends"
OMITS = "omits"

WHOLE_TABLES = ("pump_scheme",)
"""Tables that replace the parent's as a whole: their keys make sense together only."""

MOST_PARENTS = 16
"""Parents of parents; more can only be a mistake."""


@dataclass(frozen=True, kw_only=True)
class InheritedContent:
    """The merged `content` of a file and its parents; `origins` has the file of each key by (table, key)."""

    content: dict[str, Any]
    origins: dict[tuple[str, str], Path] = field(default_factory=dict)

    def file_of(self, table: str) -> Path | None:
        """Return the file that the first key of a table comes from; None for a missing table."""
        return next((path for (name, _), path in self.origins.items() if name == table), None)


def read_inherited(path: Path, named: Mapping[str, Path]) -> InheritedContent:
    """Return the content of a configuration file, merged with that of the parents that it extends.

    `named`: parents that may be given by a name instead of a path. Tables are merged by key, everything else replaces
    the parent's value. Raises ConfigurationError, which names the file, for a parent that is missing or extends its
    child, and for a key to omit that the parent lacks.
    """
    return _read(path, named, ())


def _read(path: Path, named: Mapping[str, Path], children: tuple[Path, ...]) -> InheritedContent:
    content = read_toml(path)
    extends = content.pop(EXTENDS, None)
    omits = content.pop(OMITS, [])
    if extends is None:
        if omits:
            raise ConfigurationError(
                f"{path}: {OMITS} = {omits!r} needs {EXTENDS}, because only inherited "
                f"tables and keys can be omitted. Add {EXTENDS}, or remove {OMITS}."
            )
        return InheritedContent(content=content, origins=_origins(content, path))
    parent_path = _parent(path, extends, named)
    family = (*children, path.resolve())
    if parent_path.resolve() in family or len(family) > MOST_PARENTS:
        chain = " extends ".join(map(str, (*family, parent_path.resolve())))
        raise ConfigurationError(f"{path}: {EXTENDS} = {extends!r} leads in a circle: {chain}. Remove one of them.")
    parent = _read(parent_path, named, family)
    inherited = deepcopy(parent.content)
    # What the child sets itself is merged last, so it stays even if the same key is omitted or replaced.
    for key in _checked_omits(path, omits):
        _leave_out(inherited, key, f"{path}: {OMITS}", parent_path)
    _drop_replaced(inherited, content)
    merged = _merged(inherited, content)
    kept = {key: origin for key, origin in parent.origins.items() if key in _origins(merged, path)}
    return InheritedContent(content=merged, origins={**kept, **_origins(content, path)})


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
            f"{path}: {EXTENDS} = {extends!r}: must be a string in quotes. Give the path of a configuration file, or "
            f"one of {known}."
        )
    if extends in named:
        return named[extends]
    parent = path.parent / Path(extends).expanduser()
    if not parent.is_file():
        raise ConfigurationError(
            f"{path}: {EXTENDS} = {extends!r}: there is no file {parent}. Give the path of a configuration file, "
            f"relative to this one, or one of {known}."
        )
    return parent


def _checked_omits(path: Path, omits: Any) -> Sequence[str]:
    if not isinstance(omits, list) or not all(isinstance(one, str) for one in omits):
        raise ConfigurationError(
            f"{path}: {OMITS} = {omits!r}: must be a list of tables or keys. Give them as in ['sdd', 'energy.motor']."
        )
    return omits


def _leave_out(content: dict[str, Any], name: str, where: str, parent: Path) -> None:
    """Remove a table or a key, "table.key", from the inherited content."""
    *tables, key = name.split(".")
    holder: Any = content
    # A path through something that is no table ends at an empty one, so that it is reported as unknown like any other.
    for table in tables:
        holder = holder.get(table, {}) if isinstance(holder, dict) else {}
    if not isinstance(holder, dict) or key not in holder:
        known = [
            *content,
            *(f"{table}.{one}" for table, keys in content.items() if isinstance(keys, dict) for one in keys),
        ]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else " Remove the entry."
        raise ConfigurationError(f"{where} has {name!r}, but {parent} has no such table or key.{hint}")
    del holder[key]


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
