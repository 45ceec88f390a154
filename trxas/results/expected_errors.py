"""Errors that a planned run will have, from the counts of the latest run at the same edge."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from devices.names import AxisName, ShutterState
from errors import ReductionError, StorageError
from gui.control.forecast import transient_sigma
from reduction.accumulator import accumulate
from reduction.number_text import with_error
from reduction.pileup import true_counts
from reduction.xas.calibration_plans import CALIBRATION_PLANS
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from storage import find_starts, load_dataset

if TYPE_CHECKING:
    from plans.engine.request import ScanRequest
    from reduction.accumulator import RunAccumulator
    from storage import Store

logger = logging.getLogger("trxas")

OPEN = 1
"""Index of exposures with the laser shutter open."""

MOST_TRIED = 3
"""Latest runs at the edge that are read in search of one with counts."""


def expected_errors(store: Store, request: ScanRequest, pulses_per_s: float) -> list[str]:
    """Return sentences on the errors that the result of a run will have, or that no earlier run at its edge tells them.

    `pulses_per_s` counts the X-ray pulses of one probe. The transient is relative to the unpumped signal; a run whose
    laser is blocked throughout, or one without X-rays, has none. Raises nothing: an earlier run that cannot be read or
    reduced is left out.
    """
    if request.edge is None or not _has_transient(request):
        return []
    found: list[str] = []
    # The error of a point follows from any run at the edge; lifetimes need a delay scan, so the search may go on to an
    # older run.
    for sums, name in _earlier(store, request.edge.name):
        if not found:
            found += _of_a_point(sums, name, request, pulses_per_s)
        if list(request.points.axes) == [AxisName.DELAY] and sums.metadata.axis == AxisName.DELAY:
            found += _of_lifetimes(sums, name, request)
            break
    return found or [f"No earlier run at {request.edge.name} has counts, so no error can be expected."]


def photons_per_pulse(sums: RunAccumulator) -> float:
    """Return the photons per X-ray pulse of all photodiodes together, over all probes and pumped exposures; 0 if none.

    Corrected for pile-up, as the window measures them for its forecast.
    """
    counts = sums.counts[:, :, OPEN].sum(axis=(0, 1))
    pulses = sums.pulses[:, :, OPEN].sum(axis=(0, 1))
    if not pulses.any():
        return 0.0
    return float((true_counts(counts, pulses) / pulses).mean(axis=1).sum())


def _has_transient(request: ScanRequest) -> bool:
    pumped = any(shutter is ShutterState.OPEN for _, _, shutter in request.course())
    return pumped and request.plan_name not in CALIBRATION_PLANS


def _earlier(store: Store, edge: str) -> Iterator[tuple[RunAccumulator, str]]:
    """Yield the latest runs at an edge that have counts, the newest first, each with its name for people."""
    starts: Sequence[dict[str, object]] = find_starts(store, edge=edge)
    for start in starts[::-1][:MOST_TRIED]:
        try:
            sums = accumulate(load_dataset(store, str(start["uid"])))
            if photons_per_pulse(sums) > 0.0:
                yield sums, f"scan {start.get('scan_id', str(start['uid'])[:8])}"
        except (ReductionError, StorageError, AttributeError, ValueError) as error:
            # A run of another kind, such as images, or of a detector that does not count.
            logger.debug("No errors can be expected from run %s: %s", start["uid"], error)


def _of_a_point(sums: RunAccumulator, name: str, request: ScanRequest, pulses_per_s: float) -> list[str]:
    photons = photons_per_pulse(sums)
    # A run that counts until its result is known may have no time for all of its passes.
    all_s = sum(request.dwell_of(point) for _, point, _ in request.course())
    share = request.beam_s / all_s if all_s > 0 else 1.0
    pulses = request.dwell_s * request.repeats * share * pulses_per_s
    sigma = transient_sigma(photons, pulses, sums.counts.shape[3])
    if not math.isfinite(sigma):
        return []
    return [
        f"Expected error of the transient: ±{100.0 * sigma:.2g} % of the unpumped signal per point, from the "
        f"{photons:.3g} photons per pulse of {name}; photon counting alone."
    ]


def _of_lifetimes(sums: RunAccumulator, name: str, request: ScanRequest) -> list[str]:
    """Return the expected errors of the lifetimes, those of an earlier delay scan scaled with the beam time."""
    # The information grows with the counts, whatever the model, so all errors shrink with the square root of the beam
    # time. Other delays than those of the earlier scan change this, and the sentence names the scan.
    try:
        fit = fit_kinetics(gate_rates(sums), sums.metadata.timing)
    except ReductionError:
        return []
    # The whole beam time and not dwell x points: exposures with blocked laser and dwells that grow count too.
    planned_s = request.beam_s
    scale = math.sqrt(float(sums.exposure_s.sum()) / planned_s) if planned_s > 0 else math.inf
    known = [
        f"tau{number} {with_error(value.value, scale * value.sigma, 'ps')}"
        for number, value in enumerate(fit.lifetimes_ps, 1)
        if f"tau{number}_ps" not in fit.undetermined and math.isfinite(scale * value.sigma)
    ]
    return [f"Expected lifetimes: {', '.join(known)}, if the sample is that of {name}."] if known else []
