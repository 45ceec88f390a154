"""A run that was interrupted, gone on with: only the exposures that it lacks, in a new run of the same series."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from devices.beamline import Beamline
from errors import InputError
from plans.edges import edge_preset
from plans.engine.detection import Detection, foil, powder, powder_images, pump_probe
from plans.engine.request import ScanRequest, calibration_metadata, check_request
from plans.engine.safe_end import ending_safely
from plans.engine.scanning import ScanPlan, check_scan, scan
from plans.engine.suspending import Plan

Exposure = tuple[int, int, int]
"""What tells the exposures of a run apart: scan_index, point_index, laser_shutter (1 open, 0 closed)."""

DETECTIONS: dict[str, Callable[[Beamline], Detection]] = {
    **dict.fromkeys(("energy_scan", "delay_scan", "fluence_scan", "time_zero_scan", "overlap_scan"), pump_probe),
    "delay_self_test": pump_probe,
    "foil_scan": foil,
    "static_energy_scan": powder,
    "diffraction": powder_images,
}
"""Plans whose runs can be gone on with, and what they count with."""

FIXED = ("energy_ev", "delay_ps", "fluence_mj_cm2")
"""Axes that a pump-probe run holds, by the key of its start document."""

OF_ONE_RUN = frozenset({"uid", "time", "scan_id", "plan_type", "plan_args", "versions", "resumes", "missing_points"})
"""Keys of a start document that the new run has its own values for."""


def resume_scan(
    beamline: Beamline, start: Mapping[str, Any], done: Collection[Exposure], *, md: Mapping[str, Any] | None = None
) -> ScanPlan:
    """Measure what an interrupted run lacks, in a new run with the same series and keys, and `resumes`: its uid.

    Parameters
    ----------
    start : start document of the interrupted run, of any plan in `DETECTIONS`.
    done : exposures that need no repetition, each (scan_index, point_index, laser_shutter).
    md : more metadata for the new run.

    Everything is checked against the beamline as for a new run. Returns the new run's uid. Raises InputError if the run
    cannot be gone on with, lacks nothing, or an axis was calibrated anew since; else as the run's own plan does.
    """
    request = resumed_request(beamline, start, done, md=md)
    check_scan(beamline, request)
    plan = scan(beamline, request)
    if restore := _restoring(beamline, start):
        plan = ending_safely(beamline, bpp.finalize_wrapper(plan, restore))
    if held := _held(start):
        yield from bps.configure(beamline.delay, {"held": held})
    return str((yield from plan))


def resumed_request(
    beamline: Beamline, start: Mapping[str, Any], done: Collection[Exposure], *, md: Mapping[str, Any] | None = None
) -> ScanRequest:
    """The request of the run that began with `start`, less the exposures in `done`; raises as `resume_scan` does."""
    plan_name = _check_resumable(beamline, start)
    points, axis = _grid(start)
    pumped = DETECTIONS[plan_name] is pump_probe
    own = {key: value for key, value in start.items() if key not in OF_ONE_RUN and key not in (md or {})}
    request = check_request(
        beamline,
        plan_name=plan_name,
        edge=edge_preset(start["edge"]) if "edge" in start else None,
        axis=axis,
        points=points,
        # Where the others of these stood while they did nothing is metadata only.
        fixed={key: start[key] for key in FIXED if key in start and key != axis} if pumped else {},
        dwell_s=start["dwell_s"],
        repeats=start["repeats"],
        shutter_reference=start["shutter_reference"],
        sample=start["sample"],
        series=start["series"],
        md=md,
        own_md={**own, "resumes": start["uid"]},
        approach=start["approach"],
        laser=start.get("laser", "open"),
        unpumped_probe=pumped and plan_name != "delay_self_test",
        detection=DETECTIONS[plan_name](beamline),
        temperature_c=start["temperature_c"] if start.get("temperature_held", False) else None,
    )
    for point in points:
        beamline.axes[axis].check_value(point)
    return _without(request, done, str(start["uid"]))


def _without(request: ScanRequest, done: Collection[Exposure], uid: str) -> ScanRequest:
    """`request` less the exposures that are done."""
    request = replace(request, done=frozenset((int(scan), int(point), int(laser)) for scan, point, laser in done))
    missing = {(scan_index, point_index) for scan_index, point_index, _ in request.course()}
    if not missing:
        raise InputError(f"Run {uid} lacks nothing: there is nothing to resume.")
    return replace(request, md={**request.md, "missing_points": len(missing)})


def _check_resumable(beamline: Beamline, start: Mapping[str, Any]) -> str:
    """Name of the plan; raises InputError unless the run can be gone on with here and now."""
    plan_name, here = start.get("plan_name"), beamline.configuration.name
    if plan_name not in DETECTIONS:
        raise InputError(f"A run of {plan_name!r} cannot be gone on with, only one of {', '.join(DETECTIONS)}.")
    if start.get("beamline", here) != here:
        raise InputError(f"Run {start['uid']} was made at {start['beamline']}, this is {here}: resume it there.")
    for name, now in calibration_metadata(beamline).items():
        if start.get(name, now) != now:
            raise InputError(
                f"Run {start['uid']} was measured with {name} = {start[name]!r}, now it is {now!r}: both parts would "
                "not belong together. Measure it anew, or set the calibration back as it was."
            )
    return str(plan_name)


def _grid(start: Mapping[str, Any]) -> tuple[list[float], str]:
    """Points of one pass and the axis they are on; a run of images stays at one energy."""
    grid = start.get("grid", {"points": [start.get("energy_ev")], "axis": "energy_ev"})
    return list(grid["points"]), str(grid["axis"])


def _held(start: Mapping[str, Any]) -> dict[str, float]:
    """The raw delay that stood still in the run, if it was an arm of the self-test."""
    return dict(start["self_test"]["held"]) if "self_test" in start else {}


def _restoring(beamline: Beamline, start: Mapping[str, Any]) -> Callable[[], Plan] | None:
    """What the plan of the run would have put back at its end."""
    if _held(start):
        return lambda: bps.configure(beamline.delay, {"held": {}})
    if "home_um" in start:
        mirror = beamline.axes[_grid(start)[1]]
        return lambda: bps.abs_set(mirror, start["home_um"], wait=True)
    return None
