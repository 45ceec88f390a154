"""Going to a place that a run has found: fitted time zero, centre of the overlap, edge, main feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import bluesky.plan_stubs as bps

from errors import InputError
from plans.engine.start_document import calibration_metadata
from reduction.number_text import with_error
from reduction.xas.found_places import DELAY, ENERGY, Place, places_of
from storage import RunKey, load_dataset
from trxas.results.run_results import reduce_stored_run

if TYPE_CHECKING:
    from devices.beamline import Beamline
    from plans.types import AnyPlan
    from trxas.session.session import Session


SHIFTS = {DELAY: ("time_zero_raw_ps", -1.0), ENERGY: ("energy_calibration_offset_ev", 1.0)}
"""Calibration that shifts an axis, and its sign: a delay is the raw one minus time zero, an energy the raw one plus."""


def going_function(session: Session) -> Callable[..., AnyPlan]:
    """Return `go_to` for one session. It raises InputError for a place that the run does not give."""

    def go_to(what: str, key: RunKey = -1) -> AnyPlan:
        """Return the plan that moves an axis to a place that a run has found: `RE(go_to("time zero"))`.

        `what`: "time zero", "centre" of an overlap scan, "edge", or the main "feature" of a transient. `key`: uid, scan
        id, or -1 for the latest run. Shows where the axis is and would go; calibrations that were applied since the run
        are taken into account. Raises InputError if the run does not give the place, or the axis does not reach it.
        """
        documents = load_dataset(session.store, key)
        start = documents[0][1]
        places = places_of(reduce_stored_run(documents))
        name = f"run {str(start['uid'])[:8]}, {start.get('plan_name', 'of an unknown plan')},"
        if what not in places:
            given = ", ".join(map(repr, places)) or "none"
            raise InputError(f"The {name} does not give {what!r}, but: {given}. Choose one of these, or another run.")
        place = places[what]
        axis = session.beamline.axes[place.axis]
        target = target_today(place, start, calibration_metadata(session.beamline))
        axis.check_value(target)
        found = with_error(*place.at, axis.unit) if place.at.sigma > 0 else f"{place.at.value:.6g} {axis.unit}"
        print(
            f"{what} of {name} is {found} on its axis: {place.axis} goes from {axis.position:.6g} to {target:.6g} "
            f"{axis.unit}"
        )
        return _moving(session.beamline, place.axis, target)

    return go_to


def target_today(place: Place, then: Mapping[str, Any], now: Mapping[str, Any]) -> float:
    """Return a place of a run on the axis as it is calibrated `now`, in its unit; both are calibrations by name."""
    calibration, sign = SHIFTS.get(place.axis, ("", 0.0))
    if calibration not in then or calibration not in now:
        return place.at.value
    return place.at.value + sign * (float(now[calibration]) - float(then[calibration]))


def _moving(beamline: Beamline, axis: str, target: float) -> AnyPlan:
    yield from bps.mv(beamline.axes[axis], target)
