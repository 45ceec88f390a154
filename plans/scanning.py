"""The common course of a scan: passes over a grid, pumped and unpumped together, the shutter as second reference."""

from __future__ import annotations

from collections.abc import Iterator

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from devices.axis import Axis
from devices.beamline import Beamline
from devices.shutter import Shutter
from plans.measuring import Plan, apply_settings, measure
from plans.preflight import check_beamline
from plans.request import ScanRequest, ShutterReference, start_metadata

Move = tuple[Axis | Shutter, float | str]


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
        yield from apply_settings(beamline, request.settings, request.dwell_s, "closed")
        for scan_index in range(request.repeats):
            yield from _one_pass(beamline, request, scan_index)

    yield from bpp.finalize_wrapper(run(), lambda: bps.mv(beamline.laser_shutter, "closed"))


def _one_pass(beamline: Beamline, request: ScanRequest, scan_index: int) -> Plan:
    at_point, at_shutter = -1, ""
    for point_index, shutter in passes(request.shutter_reference, len(request.points)):
        moves: list[Move] = []
        if point_index != at_point:
            moves.append((beamline.axes[request.axis], request.points[point_index]))
        if shutter != at_shutter:
            moves.append((beamline.laser_shutter, shutter))
        yield from bps.checkpoint()
        yield from measure(beamline, request, scan_index, point_index, shutter, _together(moves))
        at_point, at_shutter = point_index, shutter


def _together(moves: list[Move]) -> Plan:
    for device, target in moves:
        yield from bps.abs_set(device, target, group="point")
    if moves:
        yield from bps.wait(group="point")
