"""Measuring one point, again if need be: settings, shutter, trigger, read-out."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, Msg

from devices.beamline import Beamline
from devices.settings import Target
from devices.shutter import STATES
from errors import AcquisitionError, MotionError, NotConnectedError
from plans.request import ScanRequest

Plan = Generator[Msg, Any, None]
Changes = Mapping[str, Target]

ATTEMPTS = 3
"""Times one point is tried before the run ends with the reason."""

RECONNECT_TIMEOUT_S = 120.0
"""How long a plan waits for an IOC to come back (a restart takes 8 to 9 s)."""

RECONNECT_POLL_S = 0.5

RETRYABLE = (FailedStatus, AcquisitionError, MotionError, TimeoutError)
"""What a second attempt can mend, a lost connection (a TimeoutError) included; not wrong input, nor a full disk."""

logger = logging.getLogger("trxas.plans")


def apply_settings(beamline: Beamline, targets: Changes, dwell_s: float) -> Plan:
    """End what still counts, set the dwell, then every axis and shutter of `targets` together."""
    yield from bps.stop(beamline.exposure)
    yield from bps.configure(beamline.exposure, {"dwell_s": dwell_s})
    yield from bps.abs_set(beamline.settings, targets, wait=True)


def expose(beamline: Beamline, scan_index: int, point_index: int, targets: Changes) -> Generator[Msg, Any, list[str]]:
    """One exposure as one event; nothing is stored if the read-out fails. Returns the conditions that failed."""
    # Messages as such: every stub of bluesky's formats the whole call stack, which at each point costs milliseconds.
    point = beamline.point
    yield Msg("trigger", beamline.exposure, group="exposure")
    yield Msg("wait", None, group="exposure")
    point.scan_index, point.point_index = scan_index, point_index
    point.expected_shutter = STATES[str(targets["laser_shutter"])]
    point.demanded = {name: float(targets[name]) for name in targets if name in beamline.axes}
    yield Msg("create", None, name="primary")
    try:
        reading = yield Msg("read", point)
    except Exception:  # whatever it was, the open event must be dropped before it goes on to the caller
        yield Msg("drop")
        raise
    yield Msg("save")
    # From here on the point is stored: a pause must not measure it twice.
    yield Msg("checkpoint")
    quality = reading["quality"]["value"] if reading else ""
    return [name for name in quality.split(",") if name]


def measure(
    beamline: Beamline, request: ScanRequest, scan_index: int, point_index: int, targets: Changes, changed: Changes
) -> Plan:
    """Measure one point: make what `changed` since the last one, all `targets` at the first, and expose.

    On failure wait for the beamline, set everything anew and repeat; raises the last failure after as many attempts as
    allowed. A point whose axes or shutter were found astray is stored as bad and measured again likewise.
    """
    curable = {axis.name for axis in beamline.axes.values()} | {beamline.laser_shutter.name}
    anew = not changed.keys() < targets.keys()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if anew:
                yield from apply_settings(beamline, targets, request.dwell_s)
            elif changed:
                yield Msg("set", beamline.settings, changed, group="settings")
                yield Msg("wait", None, group="settings")
            failed = yield from expose(beamline, scan_index, point_index, targets)
        except RETRYABLE as error:
            if attempt == ATTEMPTS:
                raise
            logger.warning("Point %d of scan %d is measured again: %s", point_index, scan_index, reason(error))
            yield from wait_connected(beamline)
        else:
            if not curable.intersection(failed):
                return
            logger.warning("Point %d of scan %d is measured again: %s astray", point_index, scan_index, failed)
        anew = True


def wait_connected(beamline: Beamline, timeout_s: float = RECONNECT_TIMEOUT_S) -> Plan:
    """Wait until every PV is connected and answers; raises NotConnectedError when the time is up."""
    deadline = time.monotonic() + timeout_s
    while missing := beamline.silent():
        if time.monotonic() > deadline:
            raise NotConnectedError(missing, timeout_s)
        logger.warning("Waiting for %d PVs, first of them %s", len(missing), missing[0])
        yield from bps.sleep(RECONNECT_POLL_S)


def with_reasons(plan: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
    """`plan`, its failures raised as what went wrong instead of bluesky's FailedStatus around it."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        raise reason(error) from error


def reason(error: BaseException) -> BaseException:
    """What made a status fail: the MotionError, AcquisitionError or time-out behind bluesky's FailedStatus."""
    return error.__cause__ if isinstance(error, FailedStatus) and error.__cause__ is not None else error
