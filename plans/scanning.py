"""The common course of a scan: passes over a grid, pumped and unpumped together, the shutter as second reference."""

from __future__ import annotations

from collections.abc import Iterator

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from devices.beamline import Beamline
from devices.settings import Target
from plans.measuring import Plan, measure
from plans.preflight import check_beamline
from plans.request import ScanRequest, ShutterReference, start_metadata
from plans.safe_end import ending_safely


def passes(shutter_reference: ShutterReference, points: int) -> Iterator[tuple[int, str]]:
    """Order of the exposures within one pass: (point index, laser shutter).

    With a reference per point the shutter alternates as open closed, closed open, so that it moves once per point.
    """
    if shutter_reference == "point":
        for index in range(points):
            states = ("open", "closed") if index % 2 == 0 else ("closed", "open")
            yield from ((index, state) for state in states)
    else:
        yield from ((index, "open") for index in range(points))
        if shutter_reference == "scan":
            yield from ((index, "closed") for index in range(points))


def scan(beamline: Beamline, request: ScanRequest) -> Plan:
    """Run a validated request as one run; the laser shutter is closed at the end, however it ends."""
    check_beamline(beamline)

    @bpp.run_decorator(md=start_metadata(request, beamline))
    def run() -> Plan:
        at: dict[str, Target] = {}
        for scan_index in range(request.repeats):
            for point_index, shutter in passes(request.shutter_reference, len(request.points)):
                moving: dict[str, Target] = {request.axis: request.points[point_index], "laser_shutter": shutter}
                targets: dict[str, Target] = {**request.fixed, **moving}
                changed = {name: target for name, target in targets.items() if at.get(name) != target}
                yield from bps.checkpoint()
                yield from measure(beamline, request, scan_index, point_index, targets, changed)
                at = targets

    yield from ending_safely(beamline, run())
