"""The schedule of faults, read from a TOML file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import SimulationInputError
from sim.faults.fault import Fault, check_duration
from sim.faults.kinds import BEAMLINE, FaultTable, make_fault
from sim.toml_file import read_toml

TIMES = ("at_s", "duration_s")


@dataclass(frozen=True, kw_only=True)
class ScheduledFault:
    """`fault` strikes `at_s` seconds after the start, for `duration_s`, both on the clock of the fault."""

    fault: Fault
    at_s: float
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Faults that strike by themselves.

    Their times count from the first start of the server, which was `running_s` seconds of wall time ago: 0 unless the
    server has been restarted since.
    """

    faults: tuple[ScheduledFault, ...] = ()
    running_s: float = 0.0


NOTHING_SCHEDULED = Schedule()


def load_faults(path: Path, table: FaultTable = BEAMLINE) -> list[ScheduledFault]:
    """Read `[[faults]]` tables with `kind`, `at_s`, `duration_s` and the kind's parameters.

    Raises SimulationInputError naming the file, the entry and what is wrong with it.
    """
    raw = read_toml(path, "fault")
    entries = raw.get("faults", [])
    if set(raw) - {"faults"} or not isinstance(entries, list):
        raise SimulationInputError(f"{path}: has {sorted(raw)}; give [[faults]] tables only")
    return [_scheduled(entry, f"{path}: faults[{number}]", table) for number, entry in enumerate(entries)]


def _scheduled(entry: Any, where: str, table: FaultTable) -> ScheduledFault:
    if not isinstance(entry, dict) or not {"kind", *TIMES} <= set(entry):
        raise SimulationInputError(f"{where}: needs kind, at_s and duration_s, has {entry!r}")
    at_s, duration_s = (_seconds(entry[name], f"{where}: {name}") for name in TIMES)
    if not 0 <= at_s < math.inf:
        raise SimulationInputError(f"{where}: at_s = {at_s:g} s must be finite and at least 0 s")
    parameters = {name: value for name, value in entry.items() if name not in ("kind", *TIMES)}
    try:
        fault = make_fault(entry["kind"], parameters, table)
        check_duration(fault, duration_s)
    except SimulationInputError as error:
        raise SimulationInputError(f"{where}: {error}") from error
    return ScheduledFault(fault=fault, at_s=at_s, duration_s=duration_s)


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SimulationInputError(f"{where} = {value!r} must be a number of seconds")
    return float(value)
