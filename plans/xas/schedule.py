"""The runs that calibrate a scan, measured with it: dark and blocked exposures, and foil scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devices.configuration import BeamlineConfiguration
from errors import InputError
from plans.engine.calibrated_scan import scheduled
from plans.engine.spec import Runs, ScanSpec
from plans.options import ScheduledOptions
from plans.xas.foil_scan import foil_scan
from plans.xas.gate_exposures import blocked_exposures, dark_exposures

MOST_DELAYS = 6
"""Delays at which the laser's light in the gates is measured; it is interpolated between them."""

EXPOSURES = 10
"""Exposures of each kind: their scatter shows whether something drifts meanwhile."""


def with_schedule(
    configuration: BeamlineConfiguration, scan: ScanSpec, options: ScheduledOptions, delays_ps: Sequence[float]
) -> Runs:
    """Return the runs of a scan with those that its options schedule, by name in their order; the scan alone if none.

    `delays_ps`: first delays of the scan, at which the dark exposures see the light of the laser. Raises InputError for
    calibrations every few passes in a scan that decides on its passes by itself.
    """
    if not options.has_schedule:
        return scan
    if scan.until is not None and any(isinstance(one, int) for one in (options.gates, options.foil)):
        raise InputError(
            "A scan with until_sigma decides by itself which points its later passes measure, so it cannot be divided "
            "by passes. Give 'before' or 'around' for gates and foil, or leave until_sigma out."
        )
    assert scan.edge is not None  # the scans that can be scheduled have one
    gates = _gate_runs(configuration, str(scan.edge.name), options, delays_ps)
    return scheduled(scan, [(options.foil, _foil_run(configuration, options)), (options.gates, gates)])


def _gate_runs(
    configuration: BeamlineConfiguration, edge: str, options: ScheduledOptions, delays_ps: Sequence[float]
) -> dict[str, ScanSpec]:
    delays = spread(delays_ps)
    common = {"edge": edge, "sample": options.sample, "series": options.series, "md": options.md, "repeats": EXPOSURES}
    low_s, high_s = configuration.exposure.dwell_low_s, configuration.exposure.dwell_high_s

    def dwell_s(points: int) -> float:
        """Return the dwell, s, with which a run of `points` takes about `gates_s`, within the limits of the dwell."""
        return round(min(max(options.gates_s / EXPOSURES / points, low_s), high_s), 3)

    # All gates are calibrated before the scan, dark ones first: gains need zeros.
    dark = dark_exposures.entry.specs(
        configuration, delays_ps=delays, fluence_mj_cm2=options.fluence_mj_cm2, dwell_s=dwell_s(len(delays)), **common
    )
    blocked = blocked_exposures.entry.specs(configuration, dwell_s=dwell_s(1), **common)
    return {"dark": _one(dark), "blocked": _one(blocked)}


def _foil_run(configuration: BeamlineConfiguration, options: ScheduledOptions) -> dict[str, ScanSpec]:
    # The name of the sample stays that of the foil: it is the foil that is measured.
    return {"foil": _one(foil_scan.entry.specs(configuration, edge=options.foil_edge, series=options.series))}


def _one(runs: Any) -> ScanSpec:
    assert isinstance(runs, ScanSpec)  # these plans make one run each
    return runs


def spread(delays_ps: Sequence[float]) -> list[float]:
    """Return at most `MOST_DELAYS` of the delays, ps, evenly spread over their list, with both ends."""
    last = len(delays_ps) - 1
    number = min(len(delays_ps), MOST_DELAYS)
    places = [round(place * last / max(number - 1, 1)) for place in range(number)]
    return [float(delays_ps[place]) for place in dict.fromkeys(places)]
