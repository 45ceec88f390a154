"""Centre of the image: lines across it until it stays where it was found; and plans that measure at that centre."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from bluesky.utils import Msg

from devices.beamline import Beamline
from devices.tplm.timing import PhotonTiming
from devices.tplm.timing_electronics import CENTRE_TOLERANCE_UM, CENTRES
from errors import AcquisitionError
from plans.engine.request import check_request
from plans.engine.scanning import announcement, measure_runs
from plans.engine.spec import ScanSpec, as_list
from plans.plan_entry import PlanEntry
from plans.tplm.dose import check_dose
from plans.tplm.histograms import timing_of
from plans.tplm.map_points import Excitation, map_run, run_of
from plans.tplm.parameters import LineAxis, MapOptions, SpotOptions
from plans.types import AnyPlan

LINE_POSITIONS = 15
COARSE_UM = 0.404
FINE_UM = 0.15
"""Positions of a search for the centre, and their distances: 200 um of the stage at first, 75 um once it is near."""

MOST_ROUNDS = 6
"""Rounds after which a centre that still moves is an error: a steady image needs three."""


def at_measured_centre(beamline: Beamline, entry: PlanEntry, arguments: Mapping[str, Any]) -> AnyPlan:
    """Measure the runs of a plan at the centre of the image that was found last, unless the call gives another one.

    Raises ConfigurationError for a beamline without photon timing, and InputError for a wrong argument or too high a
    dose.
    """
    runs = entry.specs(beamline.configuration, **with_centre(timing_of(beamline), arguments))
    check_dose(beamline, as_list(runs), allowed=arguments["allow_dose"])
    uids = yield from measure_runs(beamline, as_list(runs))
    return uids if isinstance(runs, list) else uids[0]


def with_centre(timing: PhotonTiming, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of a plan in which the measured centre, um, stands where none is given."""
    # The centre is known only when the plan runs, not when its runs are listed for a form or a forecast.
    known = {"centre_x_um": timing.centre_um["x_um"], "centre_y_um": timing.centre_um["y_um"]}
    return {**arguments, **{name: value for name, value in known.items() if arguments.get(name) is None}}


def centre_line(options: SpotOptions, excitation: Excitation, axis: LineAxis, step_um: float) -> ScanSpec:
    """Return the run of one line across the image along `axis`, with places `step_um` apart, um."""
    line = MapOptions(**vars(options), line_axis=axis, positions=LINE_POSITIONS, step_um=step_um, centre_every=0)
    return replace(map_run(line, excitation), **run_of("tplm_centre"))


def announce_runs(beamline: Beamline, specs: list[ScanSpec], *, allow_dose: bool) -> Generator[Msg, Any, None]:
    """Check all runs of a plan that decides on the way, and announce them, before anything moves.

    Raises InputError for a wrong argument, which would otherwise only show when its run begins, and for a dose above
    the limit of the spot, unless `allow_dose`.
    """
    check_dose(beamline, specs, allowed=allow_dose)
    yield announcement([check_request(beamline, spec) for spec in specs])


def in_one_series(options: SpotOptions) -> SpotOptions:
    """Return options whose runs share a series, which is a new one unless the call gives its name."""
    return replace(options, series=options.series or str(uuid.uuid4()))


def search_centre(beamline: Beamline, options: SpotOptions, excitation: Excitation) -> Generator[Msg, Any, list[str]]:
    """Measure lines along x and y in turn until both centres stay within the tolerance; return the runs' uids.

    Raises AcquisitionError if a line shows no image, or if the image still moves after six rounds.
    """
    # A round is a line along each axis at the centre that is known so far. The session reduces each run as soon as it
    # is closed, and leaves the centre at the photon timing, so that it is there when the next line is made. The first
    # round is coarse, and its line along x may miss the middle along y; so a round never ends the search unless one
    # before it has been at the same place.
    timing = timing_of(beamline)
    uids: list[str] = []
    for number in range(MOST_ROUNDS):
        moved_um = 0.0
        for axis in LineAxis:
            before = timing.centre_um
            here = replace(options, centre_x_um=before["x_um"], centre_y_um=before["y_um"])
            line = centre_line(here, excitation, axis, FINE_UM if number else COARSE_UM)
            (uid,) = yield from measure_runs(beamline, [line])
            uids.append(uid)
            check_found(timing, CENTRES[str(axis)], uid)
            moved_um = max(moved_um, abs(timing.centre_um[str(axis)] - before[str(axis)]))
        if number and moved_um <= CENTRE_TOLERANCE_UM:
            return uids
    raise AcquisitionError(
        f"The centre of the image still moved by {moved_um:.3g} um in round {MOST_ROUNDS}, needs at most "
        f"{CENTRE_TOLERANCE_UM:g} um. Wait until the microscope is steady, or use more power or a longer dwell."
    )


def check_found(timing: PhotonTiming, name: str, uid: str) -> None:
    """Raise AcquisitionError unless the calibration `name` of the photon timing is that of the run `uid`."""
    if timing.calibrations[name].get("run") != uid:
        raise AcquisitionError(
            f"Run {uid[:8]} has not given the {name.replace('_', ' ')}: it shows no image, or no session of trxas "
            "reduces runs as they end. Check laser and filters, and use the prompt, the window or the queue."
        )
