"""Static spectra of the thermostated cell, and what the temperature changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.xas.alignment import ThermalDifference, thermal_difference
from reduction.xas.static_xas import (
    SpectrumPoints,
    StaticAccumulator,
    StaticSpectrum,
    joined_static,
    measured_points,
    static_spectrum,
)


@dataclass(frozen=True, kw_only=True)
class AtTemperature:
    """Mean of all runs at one temperature: `measured`, counts per I0 as far as they go.

    `setpoint_c`: what was asked for; None says that the cell was left as it was. `temperature_c`: of the thermocouple,
    C. `difference` to the first temperature of the series; None for that one, or for the reason `problem`. `runs`:
    their uids.
    """

    setpoint_c: float | None
    temperature_c: float
    measured: SpectrumPoints = field(repr=False)
    difference: ThermalDifference | None = field(repr=False)
    problem: str
    runs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TemperatureSeries:
    """Spectra of one `edge` and `sample`, one per temperature, in the order in which they were first measured."""

    edge: str
    sample: str
    temperatures: tuple[AtTemperature, ...]


@dataclass(frozen=True, kw_only=True)
class TemperatureSeriesRequest(Request[TemperatureSeries]):
    """The static spectra of the run's series at the edge of the latest of them.

    Earlier runs are those that have been seen; a run that is repeated at a temperature is added to the one before.
    """

    slow: ClassVar[bool] = True

    def compute(self, run: RunState) -> TemperatureSeries:
        """By `joined_static` and `thermal_difference`. Raises ReductionError if there is no spectrum in the series."""
        current = [run.static] if run.static is not None and run.static.exposures.any() else []
        found = [*run.earlier_static, *current]
        if not found:
            raise ReductionError("No point has been measured yet." if run.static is not None else _NONE)
        latest = found[-1].start
        same = [one for one in found if (one.start["edge"], one.start["grid"]) == (latest["edge"], latest["grid"])]
        means = [joined_static(runs) for runs in _by_temperature(same)]
        first = _FirstSpectrum(means[0])
        temperatures = tuple(_at(mean, same, first) for mean in means)
        return TemperatureSeries(edge=str(latest["edge"]), sample=str(latest["sample"]), temperatures=temperatures)


_NONE = "This run is no static energy scan. Start one with the plan Static energy scan or Temperature series."


class _FirstSpectrum:
    """That of the first temperature, which is missing as long as its scan has not covered the edge."""

    def __init__(self, sums: StaticAccumulator) -> None:
        self.sums = sums
        self.problem = _uncovered(sums)
        self.spectrum: StaticSpectrum | None = None
        try:
            self.spectrum = static_spectrum(sums)
        except ReductionError as error:
            self.problem = str(error)


def _uncovered(sums: StaticAccumulator) -> str:
    """Why a spectrum cannot be normalised yet; "" if it can: a part of the edge would do, with a wrong integral."""
    missing = int((sums.exposures == 0).sum())
    if sums.exit_status is not None or not missing:
        return ""
    return f"The scan at {sums.temperature_c:.1f} °C has {missing} points to go; differences need all of them."


def _by_temperature(runs: Sequence[StaticAccumulator]) -> list[list[StaticAccumulator]]:
    groups: dict[object, list[StaticAccumulator]] = {}
    for run in runs:
        groups.setdefault(run.start["temperature_c"], []).append(run)
    return list(groups.values())


def _at(mean: StaticAccumulator, runs: Sequence[StaticAccumulator], first: _FirstSpectrum) -> AtTemperature:
    difference = None
    problem = ""
    if mean is not first.sums:
        problem = first.problem or _uncovered(mean)
        try:
            if first.spectrum is not None and not problem:
                difference = thermal_difference(static_spectrum(mean), first.spectrum)
        except ReductionError as error:
            problem = str(error)
    setpoint = mean.start["temperature_c"]
    uids = tuple(str(run.start["uid"]) for run in runs if run.start["temperature_c"] == setpoint)
    setpoint_c = float(setpoint) if mean.start.get("temperature_held", True) else None
    return AtTemperature(
        setpoint_c=setpoint_c,
        temperature_c=mean.temperature_c,
        measured=measured_points(mean),
        difference=difference,
        problem=problem,
        runs=uids,
    )
