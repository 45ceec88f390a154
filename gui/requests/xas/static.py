"""Static spectra of the thermostated cell, and their changes with the temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.xas.static_sums import StaticAccumulator, joined_static
from reduction.xas.static_xas import SpectrumPoints, StaticSpectrum, measured_points, static_spectrum
from reduction.xas.thermal_difference import ThermalDifference, thermal_difference


@dataclass(frozen=True, kw_only=True)
class AtTemperature:
    """The mean of all runs at one temperature: `measured` counts per I0 at the points so far.

    `setpoint_c`: set temperature, C; None if the temperature was not set. `temperature_c`: reading of the thermocouple,
    C. `difference`: spectrum minus that at the first temperature of the series; None for that first one, or for the
    reason `problem`. `runs`: uids of the runs.
    """

    setpoint_c: float | None
    temperature_c: float
    measured: SpectrumPoints = field(repr=False)
    difference: ThermalDifference | None = field(repr=False)
    problem: str
    runs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TemperatureSeries:
    """Spectra of one `edge` and `sample`, one per temperature, in the order of the first measurements."""

    edge: str
    sample: str
    temperatures: tuple[AtTemperature, ...]


@dataclass(frozen=True, kw_only=True)
class TemperatureSeriesRequest(Request[TemperatureSeries]):
    """The static spectra of the series of the run, at the edge of the latest of them.

    Earlier runs are those that this window has seen; repeated runs at one temperature are added up.
    """

    slow: ClassVar[bool] = True

    def compute(self, run: RunState) -> TemperatureSeries:
        """Return the series. Raises ReductionError if it has no spectrum."""
        # The series is put together from what this window has seen: the static spectra of earlier runs and the present
        # one, at the edge and on the grid of the latest. Runs at one set temperature are one measurement. Differences
        # are relative to the first temperature, as in the paper; the order is that of the measurement, so that it is
        # the coldest in the usual series.
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


_NONE = "This run is not a static energy scan. Start the plan Static energy scan or Temperature series."


class _FirstSpectrum:
    """The spectrum of the first temperature, None until its scan has covered the edge."""

    def __init__(self, sums: StaticAccumulator) -> None:
        self.sums = sums
        self.problem = _uncovered(sums)
        self.spectrum: StaticSpectrum | None = None
        try:
            self.spectrum = static_spectrum(sums)
        except ReductionError as error:
            self.problem = str(error)


def _uncovered(sums: StaticAccumulator) -> str:
    """Return why a spectrum cannot be normalised yet, "" if it can.

    Part of the edge would be enough for a result, but with a wrong integral.
    """
    missing = int((sums.exposures == 0).sum())
    if sums.exit_status is not None or not missing:
        return ""
    return f"The scan at {sums.temperature_c:.1f} °C still lacks {missing} points. Differences need all points."


def _by_temperature(runs: Sequence[StaticAccumulator]) -> list[list[StaticAccumulator]]:
    groups: dict[object, list[StaticAccumulator]] = {}
    for run in runs:
        groups.setdefault(run.start["temperature_c"], []).append(run)
    return list(groups.values())


def _at(mean: StaticAccumulator, runs: Sequence[StaticAccumulator], first: _FirstSpectrum) -> AtTemperature:
    difference = None
    problem = ""
    # The first temperature is the reference itself and has no difference.
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
