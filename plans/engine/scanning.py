"""The common course of a scan: passes over a grid, pumped and unpumped together, the shutter as second reference."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from devices.axes.axis_group import Target
from devices.beamline import Beamline
from plans.engine.approach import check_room_for_approach, use_approach
from plans.engine.measuring import measure, with_reasons
from plans.engine.preflight import check_beamline
from plans.engine.request import ScanRequest, start_metadata
from plans.engine.safe_end import ending_safely
from plans.engine.suspending import Plan, open_xrays

ScanPlan = Generator[Msg, Any, str]
"""A plan that makes one run and returns its uid."""


def check_scan(beamline: Beamline, request: ScanRequest) -> None:
    """Raise what `scan` would before its first message: for a plan that does something before or after it."""
    check_beamline(beamline, request.detection)
    check_room_for_approach(beamline, request)


def scan(beamline: Beamline, request: ScanRequest) -> ScanPlan:
    """Run a validated request as one run; at its end the laser shutter is closed, and the X-ray shutter if it failed.

    Long moves of the energy end as the request says, and as configured afterwards. Returns the run's uid.
    """
    check_scan(beamline, request)

    # The reason goes into the run's stop document, so it has to be found within the run.
    run = bpp.run_wrapper(with_reasons(_passes(beamline, request)), md=start_metadata(request, beamline))
    return str((yield from ending_safely(beamline, _with_xrays(beamline, run), request.detection.pilatus)))


def _with_xrays(beamline: Beamline, run: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
    """`run`, unless the X-ray shutter does not open: then there is no run."""
    yield from open_xrays(beamline)
    return (yield from run)


def _passes(beamline: Beamline, request: ScanRequest) -> Plan:
    yield from use_approach(beamline, request.approach)
    at: dict[str, Target] = {}
    for scan_index, point_index, shutter in request.course():
        moving: dict[str, Target] = {request.axis: request.points[point_index], "laser_shutter": shutter}
        targets: dict[str, Target] = {**request.fixed, **moving}
        changed = {name: target for name, target in targets.items() if at.get(name) != target}
        yield Msg("checkpoint")
        yield from measure(beamline, request, scan_index, point_index, targets, changed)
        at = targets
