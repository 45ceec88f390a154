"""Forecast of a plan before it is started: its duration, and the error of the transient per point."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, kw_only=True)
class ExposureBatch:
    """Exposures of a plan that take `dwell_s` of beam time each, and `overhead_s`; None: as usual at the beamline."""

    exposures: int
    dwell_s: float
    overhead_s: float | None = None

    def duration_s(self, usual_overhead_s: float) -> float:
        """Return the beam time of all exposures with moving and reading, s."""
        overhead_s = usual_overhead_s if self.overhead_s is None else self.overhead_s
        return self.exposures * (self.dwell_s + overhead_s)


@dataclass(frozen=True, kw_only=True)
class PlannedExposures:
    """The exposures that a plan will make. `besides`: activity whose time cannot be predicted, "" for none.

    `expects`: the plan's own statement about its results, in sentences. `has_transient`: False for a plan that uses the
    laser without X-rays. `at_most`: the plan may end before all of them, once its result is known.
    """

    batches: tuple[ExposureBatch, ...]
    besides: str = ""
    expects: str = ""
    has_transient: bool = True
    at_most: bool = False


ExposuresOfPlan: TypeAlias = Callable[[str, Mapping[str, Any], int | None], PlannedExposures | None]
"""Gives the exposures of a plan by its name, all its arguments, and the points these list, if any; None: not known.

Raises InputError, in the plan's own words, for arguments that the plan refuses.
"""


@dataclass(frozen=True, kw_only=True)
class BeamStatistics:
    """Beam properties that the forecast needs.

    `photons_per_pulse` are detected per X-ray pulse by all `photodiodes` together, and `source` names the origin of
    that number. `pulses_per_s` counts the X-ray pulses of one probe: the pump rate. Moving and reading take
    `overhead_s` per exposure.
    """

    photons_per_pulse: float
    source: str
    pulses_per_s: float
    photodiodes: int = 2
    overhead_s: float = 0.02


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Forecast of a plan: `exposures`, `duration_s` of beam time with dead time, and `sigma` of each point.

    `sigma` is the photon-limited standard error of on/off - 1 after all passes, from one unpumped probe; None for a
    plan that does not pump. `source`: origin of the assumed photons; `besides`: activity that the duration does not
    include; `expects`: the plan's own statement about its results; `at_most`: the plan may end earlier.
    """

    exposures: int
    duration_s: float
    sigma: float | None
    source: str
    besides: str = ""
    expects: str = ""
    at_most: bool = False


def transient_sigma(photons_per_pulse: float, pulses: float, photodiodes: int = 2) -> float:
    """Return the photon-limited standard error of on/off - 1 with equal numbers of pulses on and off.

    A gate that fires at most once finds mu photons per pulse in N pulses with the variance (exp(mu) - 1) / N: the
    binomial one of `reduction.pileup.true_counts_variance` with p = 1 - exp(-mu). On and off are independent, and the
    photodiodes average: sigma = sqrt(2 (exp(mu) - 1) / (N photodiodes)) / mu, mu being the photons of one photodiode.
    For few photons this is sqrt(2 / (photons per pulse x pulses)). Infinite without photons or pulses.
    """
    mu = photons_per_pulse / photodiodes
    if mu <= 0 or pulses <= 0:
        return math.inf
    return math.sqrt(2.0 * math.expm1(mu) / (pulses * photodiodes)) / mu


def scan_exposures(arguments: Mapping[str, Any], points: int | None) -> PlannedExposures | None:
    """Return the exposures of a scan with `points` per pass, from its `dwell_s`, `repeats` and `shutter_reference`.

    A reference by the shutter doubles the exposures. A scan with `until_sigma` takes at most its `max_time_s`; without
    one, only its first pass can be predicted. None for a plan without a dwell in s, or with an unknown number of
    points: nothing is guessed.
    """
    dwell_s = arguments.get("dwell_s")
    if not isinstance(dwell_s, int | float) or not points:
        return None
    if arguments.get("until_sigma"):
        most_s = arguments.get("max_time_s")
        if most_s is None:
            first = ExposureBatch(exposures=points, dwell_s=float(dwell_s))
            return PlannedExposures(batches=(first,), besides="passes after the first, until the result is known")
        # Whole exposures that fit; a quotient just below a whole number is rounding.
        number = math.floor(float(most_s) / float(dwell_s) + 1e-6)
        return PlannedExposures(batches=(ExposureBatch(exposures=number, dwell_s=float(dwell_s)),), at_most=True)
    states = 2 if arguments.get("shutter_reference", "none") in ("point", "scan") else 1
    batch = ExposureBatch(exposures=points * _passes(arguments) * states, dwell_s=float(dwell_s))
    return PlannedExposures(batches=(batch,))


def _passes(arguments: Mapping[str, Any]) -> int:
    """Return the number of passes over all points; a plan without `repeats` makes one."""
    return int(arguments.get("repeats") or 1)


def forecast(arguments: Mapping[str, Any], planned: PlannedExposures, beam: BeamStatistics) -> Forecast:
    """Return the forecast of a plan: exposures, duration in s, and the standard error per point.

    The plan pumps if it has a fluence among its arguments, and X-rays to see it. The error is relative to the unpumped
    signal, as in `transient_sigma`.
    """
    pulses = arguments.get("dwell_s", 0.0) * _passes(arguments) * beam.pulses_per_s
    pumps = planned.has_transient and any(name.startswith("fluence") for name in arguments)
    return Forecast(
        exposures=sum(batch.exposures for batch in planned.batches),
        duration_s=sum(batch.duration_s(beam.overhead_s) for batch in planned.batches),
        sigma=transient_sigma(beam.photons_per_pulse, pulses, beam.photodiodes) if pumps else None,
        source=beam.source,
        besides=planned.besides,
        expects=planned.expects,
        at_most=planned.at_most,
    )


def points_listed(arguments: Mapping[str, Any], grids: Mapping[str, str]) -> int | None:
    """Return the number of points of the first grid in the arguments, None if there is no grid.

    `grids`: parameter name to "numbers" or "regions". Regions (start, stop, step) that touch share a point, which
    counts once.
    """
    for name, kind in grids.items():
        values = arguments.get(name)
        if values:
            return len(values) if kind == "numbers" else _points_of_regions(values)
    return None


def _points_of_regions(regions: Any) -> int:
    total = 0
    last = math.nan
    for start, stop, step in regions:
        # As the plans join regions: every whole step from the start on, the end itself if a step does not hit it, and
        # the start only once where it is the end of the region before. Rounding of up to a millionth of a step is not a
        # point of its own.
        total += math.floor((stop - start) / step + 1e-9) + 1
        total += int(math.fmod(stop - start, step) > 1e-6 * step and step - math.fmod(stop - start, step) > 1e-6 * step)
        total -= int(start == last)
        last = stop
    return total
