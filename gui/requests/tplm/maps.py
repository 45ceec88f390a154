"""The map of photons over place and delay, what it reduces to, and what its error will be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.tplm.coates import blocked_pulses, photons_per_pulse
from reduction.tplm.kinds import reduce_map
from reduction.tplm.likelihood import expected_error
from reduction.tplm.map_sums import MapSums
from reduction.tplm.metadata import is_map
from reduction.tplm.response import Response
from reduction.tplm.results import MapResults
from reduction.tplm.windows import FREE_UNTIL_NS, TAIL_UNTIL_NS, channels_of
from reduction.types import FloatArray

FINE_NS = 0.064
"""Width of a column up to 3 ns, ns."""

FROM_NS = -0.5


@dataclass(frozen=True, kw_only=True)
class PhotonMap:
    """Light per place and delay: `light` (places, delays), photons per second and ns, NaN where not measured yet.

    `sigma` are the counting errors, `x_um` the places, ascending, and `delay_ns` the delays. `number` (places,) is the
    mean number of the exposures at a place, from 0 for the first of the run; NaN where not measured yet.
    """

    x_um: FloatArray
    delay_ns: FloatArray
    light: FloatArray = field(repr=False)
    sigma: FloatArray = field(repr=False)
    number: FloatArray = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PhotonMapRequest(Request[PhotonMap]):
    """The map so far, with a row for every place that the run plans."""

    def compute(self, run: RunState) -> PhotonMap:
        """Return the map. Raises ReductionError for any other run, or before its first exposure."""
        sums = run.sums_of(MapSums)
        seen = sums.exposures()
        metadata = sums.metadata
        channels = channels_of(metadata, seen.mean("repetition_rate_mhz"))
        edges = np.concatenate([np.arange(FROM_NS, FREE_UNTIL_NS, FINE_NS), np.geomspace(3.1, TAIL_UNTIL_NS, 25)])
        chosen = channels.between(FROM_NS, min(TAIL_UNTIL_NS, 0.7 * channels.period_ns))
        delay = channels.signed_ns[chosen]
        column = np.searchsorted(edges, delay, side="right") - 1
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        widths = np.diff(np.append(starts, len(delay)))
        seconds = seen["sync_pulses"] / (1e6 * seen["repetition_rate_mhz"])
        blocked = blocked_pulses(metadata.dead_time_ns, channels.period_ns)
        photons = photons_per_pulse(seen.counts, seen["sync_pulses"], blocked)[:, chosen]
        # Photons per pulse back to photons of the exposure, corrected for pile-up; their errors are those of counts.
        photons *= seen["sync_pulses"][:, np.newaxis]
        places = planned_places(run.start or {}, metadata.line_axis, seen[metadata.line_axis])
        # Read-backs differ from the planned places by less than a step, so the nearest one is meant.
        row = np.abs(places[:, np.newaxis] - seen[metadata.line_axis]).argmin(axis=0)
        total = _per_place(np.add.reduceat(photons, starts, axis=1), row, len(places))
        exposed = _per_place(seconds[:, np.newaxis], row, len(places)) * widths * channels.bin_ns
        with np.errstate(divide="ignore", invalid="ignore"):
            light = np.where(exposed > 0, total / exposed, np.nan)
            sigma = np.where(exposed > 0, np.sqrt(total + 0.5) / exposed, np.nan)
            counted = _per_place(np.stack([np.ones(len(seen)), np.arange(len(seen))], axis=1), row, len(places))
            number = counted[:, 1] / counted[:, 0]
        mean_delay = np.add.reduceat(delay, starts) / widths
        return PhotonMap(x_um=places, delay_ns=mean_delay, light=light, sigma=sigma, number=number)


def _per_place(rows: FloatArray, place: Any, places: int) -> FloatArray:
    summed = np.zeros((places, rows.shape[1]))
    np.add.at(summed, place, rows)
    return summed


def planned_exposures(start: Mapping[str, Any], axis: str) -> FloatArray:
    """Return the places of all planned exposures of a run along an axis, um, in their order; empty if not stated."""
    grid = start.get("grid", {})
    axes = list(grid.get("axes", ()))
    if axis not in axes:
        return np.zeros(0)
    return np.array([float(point[axes.index(axis)]) for point in grid["points"]])


def planned_places(start: Mapping[str, Any], axis: str, measured: FloatArray) -> FloatArray:
    """Return the different places, um, ascending: those that the run plans, or those measured if it states none."""
    planned = planned_exposures(start, axis)
    places = np.unique((planned if planned.size else measured).round(3))
    return np.asarray(places, dtype=float)


@dataclass(frozen=True, kw_only=True)
class LiveMap:
    """Results of a map so far, and the expected error of its diffusivity at its end, cm2/s.

    `response` is that of the run; `expected` is None if the places are not stated, or for a map that is complete.
    """

    results: MapResults = field(repr=False)
    response: Response = field(repr=False)
    expected: float | None
    measured: int
    planned: int


@dataclass(frozen=True, kw_only=True)
class LiveMapRequest(Request[LiveMap]):
    """Fit of the map so far, and the forecast of its error."""

    slow: ClassVar[bool] = True

    def compute(self, run: RunState) -> LiveMap:
        """Return fit and forecast. Raises ReductionError for any other run, or if there is too little yet."""
        sums = run.sums_of(MapSums)
        if not is_map(sums.start):
            raise ReductionError("This run is not a map of photoluminescence. Start the plan tplm_map.")
        results = reduce_map(sums)
        planned = planned_exposures(sums.start, sums.metadata.line_axis)
        expected = None
        if sums.number < planned.size:
            # Magnification, time zero and response have their share in the error of the results, which more counts do
            # not lower.
            stated = results.diffusivity_cm2_s.sigma
            share = math.sqrt(max(stated**2 - results.fit.diffusivity_cm2_s.sigma**2, 0.0))
            counting = expected_error(results.fit, sums.exposures(), sums.metadata, planned)
            expected = math.hypot(counting, share)
        return LiveMap(
            results=results,
            response=sums.metadata.response,
            expected=expected,
            measured=sums.number,
            planned=planned.size,
        )
