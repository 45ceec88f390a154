"""The truth of a simulated sample, read from a TOML file (see sim/samples/)."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from sim.errors import SimulationInputError

DEFAULT_SAMPLE = Path(str(files("sim") / "samples" / "cspbbr3.toml"))
"""Sample file of the paper: CsPbBr3 nanocrystals in toluene."""

POSITIVE = {
    *("width_ev", "tau1_ps", "tau2_ps", "offset_lifetime_ns", "irf_sigma_ps"),
    *("reference_fluence_mj_cm2", "saturation_fluence_mj_cm2"),
}
"""Keys that divide or scale, and so must be above 0."""

NOT_NEGATIVE = {"scatter", "photons_per_pulse"}

T = TypeVar("T")


@dataclass(frozen=True)
class Peak:
    """A Gaussian feature: centre and full width at half maximum in eV, height in units of the edge step."""

    center_ev: float
    fwhm_ev: float
    height: float


@dataclass(frozen=True)
class Edge:
    """Spectra at one absorption edge, in units of its edge step.

    `photons_per_pulse` is what all APDs together detect per X-ray pulse for a spectrum value of 1 at nominal flux;
    `scatter` is the flat pre-edge level; `transient` is the change at full excitation, just after the pump, at the
    reference fluence.
    """

    edge_ev: float
    width_ev: float
    scatter: float
    photons_per_pulse: float
    static: tuple[Peak, ...]
    transient: tuple[Peak, ...]


@dataclass(frozen=True)
class Kinetics:
    """Recovery after one pump: two exponentials and a long-lived remainder, fractions at time zero.

    The remainder has `1 - fraction1 - fraction2` of the amplitude and decays with `offset_lifetime_ns`.
    """

    tau1_ps: float
    fraction1: float
    tau2_ps: float
    fraction2: float
    offset_lifetime_ns: float


@dataclass(frozen=True)
class Pump:
    """Response to fluence: linear, then flat above `saturation_fluence_mj_cm2`."""

    reference_fluence_mj_cm2: float
    saturation_fluence_mj_cm2: float


@dataclass(frozen=True)
class Beam:
    """What the beamline hides: time zero off its nominal value, response width, monochromator errors.

    `time_zero_ps` is added to the nominal time zero; `backlash_ev` shifts the energy after a long move downwards.
    """

    time_zero_ps: float
    irf_sigma_ps: float
    backlash_ev: float
    calibration_offset_ev: float


@dataclass(frozen=True)
class Sample:
    """One simulated sample: its name and the truth about it."""

    name: str
    edges: dict[str, Edge]
    kinetics: Kinetics
    pump: Pump
    beam: Beam


def load_sample(path: Path = DEFAULT_SAMPLE) -> Sample:
    """Read a sample file; raises SimulationInputError naming the file, the table and the key that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SimulationInputError(f"Cannot read sample file {path}: {error}") from error
    unknown = set(raw) - {"name", "edges", "kinetics", "pump", "beam"}
    if unknown:
        raise SimulationInputError(
            f"{path}: unknown tables {sorted(unknown)}; known: name, edges, kinetics, pump, beam"
        )
    edges = raw.get("edges", {})
    if not isinstance(edges, dict) or not edges:
        raise SimulationInputError(f'{path}: no [edges."..."] table; give at least one edge')
    sample = Sample(
        name=str(raw.get("name", path.stem)),
        edges={name: _edge(table, f"{path}: edges.{name}") for name, table in edges.items()},
        kinetics=_table(Kinetics, raw.get("kinetics", {}), f"{path}: kinetics"),
        pump=_table(Pump, raw.get("pump", {}), f"{path}: pump"),
        beam=_table(Beam, raw.get("beam", {}), f"{path}: beam"),
    )
    _check_kinetics(sample.kinetics, f"{path}: kinetics")
    return sample


def _edge(table: dict[str, Any], where: str) -> Edge:
    peaks = {}
    for key in ("static", "transient"):
        rows = table.get(key, [])
        if not isinstance(rows, list) or not all(_is_peak(row) for row in rows):
            raise SimulationInputError(
                f"{where}.{key}: every row is [center_ev, fwhm_ev, height], finite numbers, fwhm above 0"
            )
        peaks[key] = tuple(Peak(*(float(number) for number in row)) for row in rows)
    return _table(Edge, {**table, **peaks}, where)


def _is_peak(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 3 and all(_is_number(value) for value in row) and row[1] > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _table(cls: type[T], table: dict[str, Any], where: str) -> T:
    if not isinstance(table, dict):
        raise SimulationInputError(f"{where} = {table!r}: must be a table")
    names = {field.name for field in fields(cls)}  # type: ignore[arg-type]  # every cls here is a dataclass
    if set(table) != names:
        missing, unknown = sorted(names - set(table)), sorted(set(table) - names)
        raise SimulationInputError(f"{where}: missing keys {missing}, unknown keys {unknown}")
    bad = [name for name, value in table.items() if not isinstance(value, tuple) and not _is_number(value)]
    if bad:
        raise SimulationInputError(f"{where}: {bad} must be finite numbers")
    low = [
        name for name in table if (name in POSITIVE and table[name] <= 0) or (name in NOT_NEGATIVE and table[name] < 0)
    ]
    if low:
        raise SimulationInputError(f"{where}: {low} must be above 0 (scatter and photons_per_pulse: not below)")
    return cls(**{name: float(value) if isinstance(value, int) else value for name, value in table.items()})


def _check_kinetics(kinetics: Kinetics, where: str) -> None:
    if min(kinetics.fraction1, kinetics.fraction2) < 0 or kinetics.fraction1 + kinetics.fraction2 > 1:
        raise SimulationInputError(f"{where}: fractions must be 0 to 1 and add up to at most 1")
