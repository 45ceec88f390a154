"""The common course of a scan: passes over a grid, pumped and unpumped together, the shutter as second reference."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from devices.beamline import Beamline
from devices.settings import Target
from plans.approach import check_room_for_approach, use_approach
from plans.measuring import Plan, measure, with_reasons
from plans.preflight import check_beamline
from plans.request import Laser, ScanRequest, ShutterReference, start_metadata
from plans.safe_end import ending_safely


def passes(shutter_reference: ShutterReference, points: int, laser: Laser = "open") -> Iterator[tuple[int, str]]:
    """Order of the exposures within one pass: (point index, laser shutter).

    `laser` is the shutter's state without a reference per point. With one it alternates as open closed, closed open,
    so that it moves once per point.
    """
    if shutter_reference == "point":
        for index in range(points):
            states = ("open", "closed") if index % 2 == 0 else ("closed", "open")
            yield from ((index, state) for state in states)
    else:
        yield from ((index, laser) for index in range(points))
        if shutter_reference == "scan":
            yield from ((index, "closed") for index in range(points))


ScanPlan = Generator[Msg, Any, str]
"""A plan that makes one run and returns its uid."""


def scan(beamline: Beamline, request: ScanRequest) -> ScanPlan:
    """Run a validated request as one run; the laser shutter is closed at the end, however it ends.

    Long moves of the energy end as the request says, and as configured afterwards. Returns the run's uid.
    """
    check_beamline(beamline, request.detection)
    check_room_for_approach(beamline, request)

    # The reason goes into the run's stop document, so it has to be found within the run.
    run = bpp.run_wrapper(with_reasons(_passes(beamline, request)), md=start_metadata(request, beamline))
    return str((yield from ending_safely(beamline, run, request.detection.pilatus)))


def _passes(beamline: Beamline, request: ScanRequest) -> Plan:
    request.detection.reader.watch(request.detection.conditions)
    yield from use_approach(beamline, request.approach)
    at: dict[str, Target] = {}
    for scan_index in range(request.repeats):
        for point_index, shutter in passes(request.shutter_reference, len(request.points), request.laser):
            moving: dict[str, Target] = {request.axis: request.points[point_index], "laser_shutter": shutter}
            targets: dict[str, Target] = {**request.fixed, **moving}
            changed = {name: target for name, target in targets.items() if at.get(name) != target}
            yield Msg("checkpoint")
            yield from measure(beamline, request, scan_index, point_index, targets, changed)
            at = targets
