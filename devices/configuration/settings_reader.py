"""Reader of the tables of a configuration file, which collects every fault and reports them in one message."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from devices.configuration.detector_list import (
    entry_class,
    labelled,
    row_name_faults,
)
from devices.configuration.fields import Fault, table_name
from devices.configuration.inheritance import InheritedContent
from devices.configuration.key_faults import did_you_mean, key_fault
from devices.configuration.listed_detectors import Entry
from devices.names import DetectorRole
from errors import ConfigurationError

T = TypeVar("T")

STAND_INS: Mapping[str, Any] = {
    "role": DetectorRole.MONITOR,
    "unit": "units",
    "low": -1e300,
    "high": 1e300,
    "tolerance": 1e-300,
    **dict.fromkeys(("pv", "motor", "setpoint", "readback", "stop", "done"), "stand-in"),
    "revolution_ps": 1e7,
    "buckets": 1,
    "fill": (),
    "pump_divider": 1,
    "gates": (0, -1),
}
"""Values in the place of keys that are missing or wrong, which contradict no other key: a class that does not exist is
reported together with an axis without limits."""


DETECTOR = "detectors."
"""Table of an entry of the list, before its faults are given the name of the entry."""


class SettingsReader:
    """Reader of the tables of one file, which collects all faults; `finish` raises them together.

    `where` names the file in the message. A fault that comes from a file that it extends names that file. If a parent
    cannot be read, only what is wrong with a key by itself is a fault: any other may follow from what is missing.
    """

    def __init__(self, inherited: InheritedContent, where: str) -> None:
        self._content = dict(inherited.content)
        self._where = where
        self._origins = inherited.origins
        self._is_part = inherited.lacks_parent
        self._known: list[str] = []
        self._faults: list[Fault] = list(inherited.faults)

    def table(
        self, name: str, settings: type[T], *, optional: bool = False, derived: Mapping[str, Any] | None = None
    ) -> T | None:
        """Return the settings of table `name`; None if an `optional` table is missing, or after a fault.

        `derived` are keys that follow from other tables, which report their faults themselves. Raises nothing: faults
        are collected for `finish`.
        """
        self._known.append(name)
        if optional and name not in self._content:
            return None
        content = self._content.get(name, {})
        if not isinstance(content, dict):
            message = f"= {content!r}: must be a table of keys. Begin it with [{name}]."
            self._faults.append(Fault(table=name, key="", message=message))
            return None
        before = len(self._faults)
        made = self._validated(name, settings, {**content, **(derived or {})})
        self._faults[before:] = [fault for fault in self._faults[before:] if fault.key not in (derived or {})]
        return made

    def detectors(self) -> list[Entry] | None:
        """Return the entries of `[[detectors]]` that have no fault; None if the file has no list. Raises nothing."""
        self._known.append("detectors")
        if "detectors" not in self._content:
            return None
        rows = self._content["detectors"]
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            message = "must be a list of tables. Begin each detector with [[detectors]]."
            self._faults.append(Fault(table="", key="detectors", message=message))
            return None
        made: list[Entry] = []
        self._faults += row_name_faults(rows)
        exposure = self._content.get("exposure")
        master = exposure.get("scaler") if isinstance(exposure, dict) else None
        for number, given in enumerate(rows, 1):
            # The master scaler needs no name in an entry; with its name the entry means the same.
            row = {**given, "scaler": ""} if master and given.get("scaler") == master else given
            label = row["name"] if isinstance(row.get("name"), str) and row["name"] else f"number {number}"
            kind, faults = entry_class(row)
            before = len(self._faults)
            one = None if kind is None else self._validated(DETECTOR, kind, row)
            faults += self._faults[before:]
            del self._faults[before:]
            self._faults += [labelled(fault, label) for fault in faults]
            if one is not None and not faults:
                made.append(one)  # type: ignore[arg-type]  # every class of ENTRIES is one of Entry
        return made

    def is_complete(self, detectors: Sequence[Entry]) -> bool:
        """Return whether `detectors` are all of the list: none was dropped because of its own faults."""
        return len(detectors) == len(self._content.get("detectors", ()))

    def tables(self, name: str, settings: type[T]) -> dict[str, T]:
        """Return the settings of every table `[name.KEY]` by KEY, without tables that have faults; raises nothing."""
        self._known.append(name)
        content = self._content.get(name, {})
        if not isinstance(content, dict):
            self._faults.append(Fault(table=name, key="", message=f"= {content!r}: must hold tables [{name}.NAME]."))
            return {}
        made = {}
        for key, inner in content.items():
            table = table_name(name, key)
            if not isinstance(inner, dict):
                message = f"= {inner!r}: must be a table of keys. Begin it with [{table}]."
                self._faults.append(Fault(table=table, key="", message=message))
            elif (one := self._validated(table, settings, inner)) is not None:
                made[key] = one
        return made

    def content(self, table: str) -> Mapping[str, Any]:
        """Return keys and values of `table` in the file, unchecked; empty if it lacks the table."""
        content = self._content.get(table, {})
        return content if isinstance(content, dict) else {}

    def given(self, table: str) -> tuple[str, ...]:
        """Return the keys that the file has in `table`, in its order; none if it lacks the table."""
        return tuple(self.content(table))

    def text(self, name: str) -> str:
        """Return the text at the top of the file under `name`; empty, with a fault, if there is none."""
        self._known.append(name)
        value = self._content.get(name)
        if isinstance(value, str):
            return value
        if value is None and self._is_part:
            return ""
        problem = "is missing" if value is None else f"= {value!r}: must be a string in quotes"
        self._faults.append(Fault(table="", key=name, message=f"{problem}. Write it above the first table."))
        return ""

    def has(self, table: str) -> bool:
        """Return whether the file has the table `table`."""
        return table in self._content

    def names(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return the list of texts at the top of the file under `name`, by default `default`; raises nothing."""
        self._known.append(name)
        value = self._content.get(name, list(default))
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return tuple(value)
        message = f"= {value!r}: must be a list of strings in quotes. Write it above the first table."
        self._faults.append(Fault(table="", key=name, message=message))
        return default

    def add(self, faults: Iterable[Fault]) -> None:
        """Add `faults` between keys or tables to those that `finish` raises."""
        if not self._is_part:
            self._faults += faults

    def finish(self) -> None:
        """Raise ConfigurationError with every fault found, including unknown tables; return if there is none."""
        for name in self._content:
            if name not in self._known:
                self._faults.append(Fault(table=name, key="", message=f"is unknown.{did_you_mean(name, self._known)}"))
        if not self._faults:
            return
        count = f"{len(self._faults)} fault{'s' if len(self._faults) > 1 else ''}"
        lines = "".join(f"\n  {fault}{self._inherited_from(fault)}" for fault in self._faults)
        raise ConfigurationError(f"{self._where} has {count}:{lines}")

    def _inherited_from(self, fault: Fault) -> str:
        """Return a phrase that names the file of a fault, if that is not the file being read."""
        table, _, key = fault.table.rpartition(".")
        origin = self._origins.get((fault.table, fault.key)) or self._origins.get((table, key))
        return "" if origin is None or str(origin) == self._where else f" (inherited from {origin})"

    def _validated(
        self, name: str, settings: type[T], content: dict[str, Any], wrong: Collection[str] = ()
    ) -> T | None:
        try:
            made = TypeAdapter(settings).validate_python(content)
        except ValidationError as error:
            declared: dict[str, FieldInfo] = settings.__pydantic_fields__  # type: ignore[attr-defined]  # a pydantic dataclass
            found = [key_fault(name, detail, declared) for detail in error.errors(include_url=False)]
            if self._is_part:
                self._faults += [fault for fault in found if fault.key in content]
                return None
            self._faults += found
            self._add_faults_of_other_keys(name, settings, content, {fault.key for fault in found})
            return None
        if self._is_part:
            return made
        if wrong and hasattr(made, "faults_without"):
            self._faults += made.faults_without(wrong)
        elif hasattr(made, "faults"):
            # The settings of a single device know the name of their table; those of one of many are given it.
            self._faults += made.faults(name) if "." in name else made.faults()
        return made

    def _add_faults_of_other_keys(
        self, name: str, settings: type[T], content: Mapping[str, Any], wrong: Collection[str]
    ) -> None:
        """Add what is wrong between the keys of a table other than the `wrong` ones, which are reported already."""
        declared: dict[str, FieldInfo] = settings.__pydantic_fields__  # type: ignore[attr-defined]  # a pydantic dataclass
        optional = {key for key in wrong if key not in declared or _has_neutral_default(name, declared[key])}
        optional -= set(STAND_INS)
        if any(key not in STAND_INS for key in wrong if key not in optional):
            return
        others = {key: value for key, value in content.items() if key not in wrong}
        before = len(self._faults)
        self._validated(name, settings, others | {key: STAND_INS[key] for key in wrong if key not in optional}, wrong)
        # A default in the place of a wrong value may contradict another key; such a fault names the wrong one too.
        self._faults[before:] = [
            fault
            for fault in self._faults[before:]
            if fault.key not in wrong and not any(names_key(fault.message, key) for key in wrong)
        ]


def _has_neutral_default(table: str, field: FieldInfo) -> bool:
    """Return whether the default of a key may replace a wrong value, as no check of another key uses it."""
    # Elements and gates of a detector follow from its rows: an empty row would make its weights look wrong.
    return field.default is None or (table != DETECTOR and not field.is_required() and field.default != ())


def names_key(message: str, key: str) -> bool:
    """Return whether a message names a key as a whole word."""
    return re.search(rf"\b{re.escape(key)}\b", message) is not None
