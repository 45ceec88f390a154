"""From a TOML file to settings: every fault of the file is collected and reported in one message."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from devices.configuration.absent_tables import ABSENT
from devices.configuration.axis_settings import FixedFluenceSettings
from devices.configuration.beamline_configuration import (
    OPTIONAL_TABLES,
    TABLES,
    X_RAY_TECHNIQUES,
    BeamlineConfiguration,
)
from devices.configuration.condition_settings import ConditionSettings
from devices.configuration.detector_list import (
    entry_class,
    exposure_keys,
    gate_number_faults,
    labelled,
    list_faults,
    row_name_faults,
)
from devices.configuration.device_settings import DeviceSettings
from devices.configuration.edge_settings import EdgeSettings, edge_faults, edge_name_faults
from devices.configuration.fields import Fault, table_name
from devices.configuration.foil_settings import FoilSettings, foil_faults
from devices.configuration.further_axis_settings import RecordAxisSettings
from devices.configuration.key_faults import did_you_mean, key_fault
from devices.configuration.listed_detectors import Entry
from devices.configuration.name_faults import EVENT_FIELDS, FIXED_DEVICES, axis_name_faults, device_name_faults
from devices.configuration.relation_faults import (
    RELATIONS,
    SCHEME_KEYS,
    channel_faults,
    detector_faults,
    driven_pv_faults,
    gates_faults,
    rf_faults,
    scheme_faults,
)
from devices.names import AxisName, DetectorRole
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


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file in UTF-8, with or without byte order mark, or UTF-16.

    Raises ConfigurationError naming the file, the line, and what to do.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(f"No configuration file {path}. Give one with --config or TRXAS_CONFIG.") from error
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read configuration file {path}: {error}. Check that the file exists and that you may read it."
        ) from error
    try:
        return tomllib.loads(decoded(content, path).replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"Cannot read configuration file {path}: {error}. Correct that line.") from error


def decoded(content: bytes, path: Path) -> str:
    """Return the text of a file as editors save it: UTF-8 with or without byte order mark, or UTF-16.

    Raises ConfigurationError naming line and byte for any other encoding: guessing one would change names silently.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content:
        # UTF-16 without a mark: of ASCII, every other byte is zero.
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"Cannot read configuration file {path}: line {line} holds the byte 0x{content[error.start]:02x}, which "
            f"is not {encoding.removesuffix('-sig').upper()}. It was probably saved as Latin-1 or Windows-1252. "
            "Save it as UTF-8."
        ) from error


class SettingsReader:
    """Reader of the tables of one file, which collects all faults; `finish` raises them together.

    `where` names the file in the message. `origins` has the file of every key by (table, key), for a file that extends
    others: a fault that comes from a file other than `where` names that file.
    """

    def __init__(
        self, content: Mapping[str, Any], where: str, origins: Mapping[tuple[str, str], object] | None = None
    ) -> None:
        self._content = dict(content)
        self._where = where
        self._origins = origins or {}
        self._known: list[str] = []
        self._faults: list[Fault] = []

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

    def given(self, table: str) -> tuple[str, ...]:
        """Return the keys that the file has in `table`, in its order; none if it lacks the table."""
        content = self._content.get(table, {})
        return tuple(content) if isinstance(content, dict) else ()

    def text(self, name: str) -> str:
        """Return the text at the top of the file under `name`; empty, with a fault, if there is none."""
        self._known.append(name)
        value = self._content.get(name)
        if isinstance(value, str):
            return value
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
        """Add `faults` to those that `finish` raises."""
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
            self._faults += found
            self._add_faults_of_other_keys(name, settings, content, {fault.key for fault in found})
            return None
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
    """Return whether the default of a key may stand for a wrong value, as no other key is judged by it."""
    # Elements and gates of a detector follow from its rows: an empty row would make its weights look wrong.
    return field.default is None or (table != DETECTOR and not field.is_required() and field.default != ())


def names_key(message: str, key: str) -> bool:
    """Return whether a message names a key as a whole word."""
    return re.search(rf"\b{re.escape(key)}\b", message) is not None


def read_beamline(reader: SettingsReader) -> BeamlineConfiguration | None:
    """Return the beamline of a file, with its relations checked; None after a fault, which `reader.finish` raises."""
    # Faults are collected in three passes, so that one message lists as many as possible: every table by itself, the
    # names of the further axes, and the relations between those tables that are sound by themselves. A relation whose
    # tables have faults is skipped: comparing with a value that is wrong anyway would only add noise.
    name = reader.text("name")
    techniques = reader.names("techniques", X_RAY_TECHNIQUES)
    classes: dict[str, type[Any]] = dict(TABLES)
    if "fixed_mj_cm2" in reader.given("fluence"):
        classes["fluence"] = FixedFluenceSettings
    detectors = reader.detectors()
    # An endstation whose exposures are made by a detector of its own may lack everything that X-rays need.
    own_detector = "detector" in reader.given("exposure")
    absent = {table: ABSENT[table] for table in ABSENT if own_detector and not reader.has(table)}
    derived = {} if detectors is None else {"exposure": exposure_keys(detectors)}
    made = {
        table: reader.table(table, settings, optional=table in OPTIONAL_TABLES, derived=derived.get(table))
        for table, settings in classes.items()
        if table not in absent
    } | absent
    axes = reader.tables("axes", RecordAxisSettings)
    reader.add(axis_name_faults(reader.given("axes")))
    reader.add(driven_pv_faults(axes, made))
    devices = reader.tables("devices", DeviceSettings)
    reader.add(device_name_faults(reader.given("devices"), reader.given("axes")))
    conditions = reader.tables("conditions", ConditionSettings)
    reader.add(detector_faults(made["exposure"], devices))
    edges = reader.tables("edges", EdgeSettings)
    reader.add(edge_name_faults(reader.given("edges")))
    reader.add(edge_faults(made["energy"], edges))
    foils = reader.tables("foils", FoilSettings)
    reader.add(foil_faults(foils))
    for tables, check in RELATIONS:
        settings = [made[table] for table in tables]
        if None not in settings:
            reader.add(check(*settings))
    reader.add(pump_faults(reader, made))
    is_sound = made["pump_scheme"] is not None and made["pump_scheme"].is_sound
    if is_sound:
        made |= with_scheme(made)
    if made["exposure"] is not None:
        # How many gates there are is unknown while the scheme has faults.
        probes = made["exposure"].probes if is_sound or not reader.has("pump_scheme") else None
        reader.add(channel_faults(made["exposure"], made["sdd"], probes, listed=detectors is not None))
        reader.add(() if probes is None else gate_number_faults(detectors or (), probes))
    if detectors is not None:
        taken = {*EVENT_FIELDS, *axes, *devices, *AxisName, *(name.name.lower() for name in AxisName), *FIXED_DEVICES}
        reader.add(list_faults(detectors, reader.given("exposure"), taken, complete=reader.is_complete(detectors)))
    required = {table for table in TABLES if table not in OPTIONAL_TABLES}
    if any(made[table] is None for table in required):
        return None
    fixed: dict[str, Any] = {table: made[table] for table in TABLES}
    listed = tuple(detectors or ())
    further: dict[str, Any] = {"axes": axes, "devices": devices, "edges": edges, "foils": foils}
    further |= {"techniques": techniques, "conditions": conditions}
    return BeamlineConfiguration(name=name, detectors=listed, **further, **fixed)


def with_scheme(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables among `made` whose keys follow from their pump scheme, with these keys set."""
    settings = made["pump_scheme"]
    scheme = settings.scheme()
    derived: dict[str, dict[str, Any]] = {
        "laser": {"required_divider": scheme.rate_divider},
        "exposure": {"probes": scheme.probes},
        "geometry": {
            "bunch_period_ps": scheme.bunch_period_ps,
            "bunch_period_error_ps": settings.revolution_error_ps * scheme.bunch_period_ps / settings.revolution_ps,
            "pumped_probe": scheme.pumped_probe,
            "unpumped_probe": scheme.unpumped_probe,
        },
    }
    return {table: replace(made[table], **keys) for table, keys in derived.items() if made[table] is not None}


def pump_faults(reader: SettingsReader, made: Mapping[str, Any]) -> Iterable[Fault]:
    """Yield a fault for every contradiction between gates and pumps, ps, and the faultless tables in `made`."""
    if any(made[table] is None for table in (*SCHEME_KEYS, "delay")):
        return
    if made["pump_scheme"] is not None:
        given = {table: reader.given(table) for table in SCHEME_KEYS}
        yield from scheme_faults(given, made["pump_scheme"], made["geometry"], made["delay"])
    elif not reader.given("pump_scheme"):
        yield from gates_faults(made["laser"], made["exposure"], made["geometry"])
        if made["surroundings"] is not None:
            yield from rf_faults(made["surroundings"], made["geometry"])


def beamline_from_table(content: Mapping[str, Any], where: str) -> BeamlineConfiguration:
    """Return the beamline of a parsed file; raises ConfigurationError with every fault, named after `where`."""
    reader = SettingsReader(content, where)
    beamline = read_beamline(reader)
    reader.finish()
    assert beamline is not None  # otherwise there was a fault
    return beamline
