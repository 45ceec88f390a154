"""Reader of sample files (TOML), which checks every key and number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import xraydb

from sim.errors import SimulationInputError
from sim.physics.sample import (
    DEFAULT_SAMPLE,
    Beam,
    Edge,
    Jet,
    Kinetics,
    Peak,
    Phases,
    Pump,
    Sample,
    Thermal,
    ThermalEdge,
    ThermalPeak,
)
from sim.toml_file import read_toml

POSITIVE = {
    *("width_ev", "tau1_ps", "tau2_ps", "offset_lifetime_ns", "irf_sigma_ps"),
    *("reference_fluence_mj_cm2", "saturation_fluence_mj_cm2"),
    *("density_g_cm3", "thickness_um"),
}
"""Keys that divide or scale, and so must be above 0."""

NOT_NEGATIVE = {"scatter", "photons_per_pulse", "jet_self_absorption"}

TABLES = ("name", "edges", "kinetics", "pump", "beam", "jet", "thermal", "phases")
"""Content of a sample file; `jet`, `thermal` and `phases` may be left out, as a whole or key by key."""

T = TypeVar("T")


def load_sample(path: Path = DEFAULT_SAMPLE) -> Sample:
    """Read a sample file; raises SimulationInputError with the file, the table and the wrong key."""
    raw = read_toml(path, "sample")
    unknown = set(raw) - set(TABLES)
    if unknown:
        raise SimulationInputError(f"{path}: unknown tables {sorted(unknown)}; known: {', '.join(TABLES)}")
    edges = raw.get("edges", {})
    if not isinstance(edges, dict) or not edges:
        raise SimulationInputError(f'{path}: no [edges."..."] table; give at least one edge')
    sample = Sample(
        name=str(raw.get("name", path.stem)),
        edges={name: _edge(table, f"{path}: edges.{name}") for name, table in edges.items()},
        kinetics=_table(Kinetics, raw.get("kinetics", {}), f"{path}: kinetics"),
        pump=_table(Pump, raw.get("pump", {}), f"{path}: pump"),
        beam=_table(Beam, raw.get("beam", {}), f"{path}: beam"),
        jet=_jet(raw.get("jet", {}), f"{path}: jet"),
        thermal=_thermal(raw.get("thermal", {}), set(edges), f"{path}: thermal"),
        phases=_optional_table(Phases, raw.get("phases", {}), f"{path}: phases"),
    )
    _check_kinetics(sample.kinetics, f"{path}: kinetics")
    _check_beam(sample.beam, f"{path}: beam")
    _check_phases(sample.phases, f"{path}: phases")
    return sample


def _edge(table: dict[str, Any], where: str) -> Edge:
    peaks = {}
    for key in ("static", "transient"):
        rows = table.get(key, [])
        if not isinstance(rows, list) or not all(_is_peak(row) for row in rows):
            raise SimulationInputError(
                f"{where}.{key}: every row is [center_ev, fwhm_ev, height], finite numbers, fwhm above 0"
            )
        peaks[key] = tuple(_peak(row) for row in rows)
    return _table(Edge, {**table, **peaks}, where)


def _peak(row: Sequence[float]) -> Peak:
    center_ev, fwhm_ev, height = (float(number) for number in row)
    return Peak(center_ev=center_ev, fwhm_ev=fwhm_ev, height=height)


def _is_peak(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 3 and all(_is_number(value) for value in row) and row[1] > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _table(cls: type[T], table: dict[str, Any], where: str) -> T:
    if not isinstance(table, dict):
        raise SimulationInputError(f"{where} = {table!r}: must be a table")
    # The dataclass declares the table: its fields are the keys, those without a default are required. Everything wrong
    # is found before the object is made, so that a message names the file, the table and all keys of one sort of
    # mistake.
    names = {field.name for field in fields(cls)}  # type: ignore[arg-type]  # every cls here is a dataclass
    required = {field.name for field in fields(cls) if field.default is MISSING}  # type: ignore[arg-type]  # as above
    missing = sorted(required - set(table))
    unknown = sorted(set(table) - names)
    if missing or unknown:
        raise SimulationInputError(f"{where}: missing keys {missing}, unknown keys {unknown}")
    texts = {item.name for item in fields(cls) if isinstance(item.default, str)}  # type: ignore[arg-type]  # as above
    bad = [
        name
        for name, value in table.items()
        if name not in texts and not isinstance(value, tuple | dict) and not _is_number(value)
    ]
    if bad:
        raise SimulationInputError(f"{where}: {bad} must be finite numbers")
    low = [
        name for name in table if (name in POSITIVE and table[name] <= 0) or (name in NOT_NEGATIVE and table[name] < 0)
    ]
    if low:
        raise SimulationInputError(f"{where}: {low} must be above 0 ({', '.join(sorted(NOT_NEGATIVE))}: not below)")
    return cls(**{name: float(value) if isinstance(value, int) else value for name, value in table.items()})


def _optional_table(cls: type[T], table: dict[str, Any], where: str) -> T:
    """Read a table as `_table` does, with the defaults of `cls` for missing keys."""
    defaults = {item.name: getattr(cls(), item.name) for item in fields(cls)}  # type: ignore[arg-type]  # a dataclass
    return _table(cls, defaults | table, where)


def is_formula(text: Any) -> bool:
    """Return whether `text` is a chemical formula of elements that xraydb knows."""
    try:
        return bool(xraydb.chemparse(text))
    except (TypeError, ValueError):
        return False


def _jet(table: dict[str, Any], where: str) -> Jet:
    """Read the jet; its solvent must be a chemical formula."""
    if not isinstance(table, dict):
        raise SimulationInputError(f"{where} = {table!r}: must be a table")
    solvent = table.get("solvent", Jet().solvent)
    numbers = _optional_table(Jet, {key: value for key, value in table.items() if key != "solvent"}, where)
    if not is_formula(solvent):
        raise SimulationInputError(f"{where}: solvent = {solvent!r} is not a chemical formula, such as H2O")
    return replace(numbers, solvent=solvent)


def _thermal(table: dict[str, Any], edges: set[str], where: str) -> Thermal:
    changes = {name: _thermal_edge(rows, f"{where}.edges.{name}") for name, rows in table.get("edges", {}).items()}
    if set(changes) - edges:
        raise SimulationInputError(
            f"{where}.edges: {sorted(set(changes) - edges)} have no edge; known: {sorted(edges)}"
        )
    thermal = _optional_table(Thermal, {**table, "edges": changes}, where)
    if thermal.varshni_beta_k <= 0:
        raise SimulationInputError(f"{where}: varshni_beta_k must be above 0")
    return thermal


def _thermal_edge(table: dict[str, Any], where: str) -> ThermalEdge:
    if set(table) != {"temperatures_c", "changes"}:
        raise SimulationInputError(f"{where}: needs temperatures_c and changes, has {sorted(table)}")
    temperatures = tuple(float(value) for value in table["temperatures_c"])
    if not temperatures or list(temperatures) != sorted(set(temperatures)):
        raise SimulationInputError(f"{where}: temperatures_c must ascend")
    return ThermalEdge(
        temperatures_c=temperatures,
        changes=tuple(_thermal_peak(row, len(temperatures), where) for row in table["changes"]),
    )


def _thermal_peak(row: Sequence[float], temperatures: int, where: str) -> ThermalPeak:
    if len(row) != 2 + temperatures or not all(math.isfinite(value) for value in row) or row[1] <= 0:
        raise SimulationInputError(
            f"{where}: every row of changes is [center_ev, fwhm_ev, one height per temperature], finite, fwhm_ev above "
            f"0; wrong: {list(row)}"
        )
    center, width, *heights = (float(value) for value in row)
    return ThermalPeak(center_ev=center, fwhm_ev=width, heights=tuple(heights))


def _check_phases(phases: Phases, where: str) -> None:
    steps = [phases.tetragonal_onset_c, phases.tetragonal_end_c, phases.cubic_onset_c, phases.cubic_end_c]
    if steps != sorted(steps) or phases.domain_nm <= 0:
        raise SimulationInputError(f"{where}: transitions must ascend, and domain_nm must be above 0")


def _check_beam(beam: Beam, where: str) -> None:
    if not {beam.coarse_sign, beam.fine_sign} <= {1.0, -1.0}:
        raise SimulationInputError(f"{where}: coarse_sign and fine_sign must be 1 or -1")


def _check_kinetics(kinetics: Kinetics, where: str) -> None:
    if min(kinetics.fraction1, kinetics.fraction2) < 0 or kinetics.fraction1 + kinetics.fraction2 > 1:
        raise SimulationInputError(f"{where}: fractions must be 0 to 1 and add up to at most 1")
