"""Resuming an interrupted run: measure only its missing exposures, in a new run of the same series."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from devices.beamline import Beamline
from devices.names import Approach, AxisName, ShutterState
from devices.ring import same_period
from errors import InputError
from plans.choices import PointOrder, ShutterReference, Stepping
from plans.edges import edge_preset
from plans.engine.points import ScanPoints, points_of_document
from plans.engine.request import ScanRequest, check_request
from plans.engine.scanning import announced, check_scan, measure_run
from plans.engine.spec import ScanSpec
from plans.engine.start_document import calibration_metadata
from plans.engine.until import Until
from plans.metadata import storable_metadata
from plans.options import ReferencedOptions
from plans.plan_entry import PlanEntry
from plans.registry import PLANS, check_reserved
from plans.types import Exposure, RunPlan

PERIOD = "bunch_period"
"""Key of the start document with the time between two bunches."""

OF_ONE_RUN = frozenset(
    {"uid", "time", "scan_id", "plan_type", "plan_args", "versions", "resumes", "missing_points", "sequence_token"}
)
"""Keys of a start document for which the new run has its own values."""


def resumable_plans() -> list[str]:
    """Return the names of the plans whose runs can be resumed."""
    return [name for name, plan in PLANS.items() if plan.entry.resumable]


def resume_scan(
    beamline: Beamline, start: Mapping[str, Any], done: Collection[Exposure], *, md: Mapping[str, Any] | None = None
) -> RunPlan:
    """Measure the missing exposures of an interrupted run, in a new run of the same series and keys that `resumes` it.

    Parameters
    ----------
    start : start document of the interrupted run, of a resumable plan.
    done : exposures that need no repetition, each (scan_index, point_index, laser_shutter).
    md : more metadata for the new run.

    Everything is checked against the beamline as for a new run. Returns the new run's uid. Raises InputError if the run
    cannot be resumed, lacks nothing, or an axis has been calibrated since; otherwise as the run's own plan does.
    """
    request = resumed_request(beamline, start, done, md=md)
    yield from announced(beamline, [request])
    return (yield from measure_run(beamline, request, _entry(start).around))


def repeat_scan(beamline: Beamline, start: Mapping[str, Any], *, md: Mapping[str, Any] | None = None) -> RunPlan:
    """Measure all exposures of an earlier run again as a new run, with its settings and the present calibrations.

    Parameters
    ----------
    start : start document of the earlier run, of a resumable plan at this beamline.
    md : more metadata for the new run; `repeats_run` is the uid of the earlier one.

    Everything is checked against the beamline as for a new run. Returns the uid; raises the errors of its plan.
    """
    request = repeated_request(beamline, start, md=md)
    yield from announced(beamline, [request])
    check_scan(beamline, request)
    return (yield from measure_run(beamline, request, _entry(start).around))


def repeated_request(
    beamline: Beamline, start: Mapping[str, Any], *, md: Mapping[str, Any] | None = None
) -> ScanRequest:
    """Return the request of `repeat_scan`; raises InputError if the run is of another plan or beamline."""
    _check_plan_and_place(beamline, start)
    user_md = {} if md is None else storable_metadata(md)
    check_reserved(user_md, "md", beamline.configuration)
    spec = _spec(beamline, start)
    spec = replace(spec, options=replace(spec.options, series=""))
    # Keys of the run's user and plan are taken over; what describes the run itself, the new run writes for itself.
    written = {*OF_ONE_RUN, *calibration_metadata(beamline), "series"}
    own = {key: value for key, value in start.items() if key not in written}
    request = check_request(beamline, spec)
    return replace(request, md={**own, **user_md, "repeats_run": start["uid"]})


def resumed_request(
    beamline: Beamline, start: Mapping[str, Any], done: Collection[Exposure], *, md: Mapping[str, Any] | None = None
) -> ScanRequest:
    """Return the request of the run that began with `start`, without the exposures already `done`.

    Raises the same errors as `resume_scan`.
    """
    _check_resumable(beamline, start)
    user_md = {} if md is None else storable_metadata(md)
    check_reserved(user_md, "md", beamline.configuration)
    # The new run is the old one, less what is done. Three sources of its keys, the later ones winning: what the user
    # adds, what the interrupted run stored (its series, sample, own keys), and what this run writes itself. Points and
    # exposures keep their indices, so both runs together are read as one.
    request = check_request(beamline, replace(_spec(beamline, start), resumes=True))
    own = {key: value for key, value in start.items() if key not in OF_ONE_RUN and key not in user_md}
    request = replace(request, md={**user_md, **own, "resumes": start["uid"]})
    if request.stepping is not Stepping.SOFTWARE:
        # The sequencer continues without its session: what it counted is marked with the number of the interrupted run.
        request = replace(request, token=int(start["sequence_token"]), recovers=True)
    return _without(request, done, str(start["uid"]))


def _spec(beamline: Beamline, start: Mapping[str, Any]) -> ScanSpec:
    """Return the run of a start document as its plan requested it, without the plan's own metadata."""
    entry = _entry(start)
    points = points_of_document(start.get("grid", {"axis": AxisName.ENERGY, "points": [start.get("energy_ev")]}))
    assert entry.detection is not None  # every resumable plan has one
    return ScanSpec(
        plan_name=entry.name,
        detection=entry.detection,
        around=entry.around,
        edge=edge_preset(start["edge"], beamline.configuration) if "edge" in start else None,
        settings=[points.setting(index) for index in range(len(points))],
        shape=points.shape,
        dwell_factors=tuple(dwell_s / start["dwell_s"] for dwell_s in start.get("grid", {}).get("dwell_s", ())),
        fixed=_held(entry, start, points),
        laser=ShutterState(start.get("laser", ShutterState.OPEN)),
        stepping=Stepping(start.get("stepping", Stepping.SOFTWARE)),
        slice_s=start.get("slice_s"),
        temperature_c=start["temperature_c"] if start.get("temperature_held", False) else None,
        until=Until.from_document(start.get("until")),
        options=ReferencedOptions(
            dwell_s=start["dwell_s"],
            repeats=start["repeats"],
            # Runs of 0.2.0 and before name no order: they all went up.
            order=PointOrder(start.get("order", PointOrder.UP)),
            shutter_reference=ShutterReference(start["shutter_reference"]),
            sample=start["sample"],
            series=start["series"],
            approach=Approach(start["approach"]),
        ),
    )


def _held(entry: PlanEntry, start: Mapping[str, Any], points: ScanPoints) -> dict[str, float]:
    """Return where the run held the axes that it did not scan, by event field, in their units."""
    # Where an axis stood that the plan does not use, such as the delay of a foil scan, is metadata: a key of its own.
    fixed = {name: start[name] for name in AxisName if name in start and name not in {*points.axes, *entry.own_keys}}
    return {**fixed, **start.get("held_axes", {})}


def _without(request: ScanRequest, done: Collection[Exposure], uid: str) -> ScanRequest:
    """Return `request` without the exposures that are done."""
    request = replace(request, done=frozenset((int(scan), int(point), int(laser)) for scan, point, laser in done))
    # Points, not exposures: lists of runs show this number as the intended one. A run whose longest time is used up has
    # missing points and no exposure left.
    missing = {(scan_index, point_index) for scan_index, point_index, _ in request.course()}
    if not missing or not request.exposures:
        raise InputError(f"Run {uid} is complete: there is nothing to resume.")
    return replace(request, md={**request.md, "missing_points": len(missing)})


def _check_resumable(beamline: Beamline, start: Mapping[str, Any]) -> None:
    """Raise InputError unless the run can be resumed here and now."""
    _check_plan_and_place(beamline, start)
    # A calibration that changed since would give equal numbers another meaning within one run. Keys that an older
    # version did not write are not compared.
    for name, now in calibration_metadata(beamline).items():
        then = start.get(name, now)
        # The RF frequency is read again for each run, so its last digit may differ.
        if then != now and not (name == PERIOD and same_period(then, now)):
            raise InputError(
                f"Run {start['uid']} was measured with {name} = {start[name]!r}, which is {now!r} at present: its two "
                "parts could not be combined. Measure the run again, or restore the calibration it was measured with."
            )


def _check_plan_and_place(beamline: Beamline, start: Mapping[str, Any]) -> None:
    """Raise InputError unless the run is of a plan whose settings can be read back, at this beamline."""
    plan_name = start.get("plan_name")
    here = beamline.configuration.name
    if plan_name not in resumable_plans():
        raise InputError(f"Cannot resume a run of {plan_name!r}; resumable plans: {', '.join(resumable_plans())}.")
    if start.get("beamline", here) != here:
        raise InputError(
            f"Run {start['uid']} was measured at {start['beamline']}, but this is {here}: resume it there."
        )


def _entry(start: Mapping[str, Any]) -> PlanEntry:
    return PLANS[str(start["plan_name"])].entry
