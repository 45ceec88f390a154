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


def apply_settings(beamline: Beamline, targets: Mapping[str, Target], dwell_s: float) -> Plan:
    """Set the dwell, then every axis and shutter of `targets` together."""
    yield from bps.configure(beamline.exposure, {"dwell_s": dwell_s})
    yield from bps.abs_set(beamline.settings, targets, wait=True)


def expose(beamline: Beamline, scan_index: int, point_index: int, shutter: str) -> Plan:
    """One exposure as one event; nothing is stored if the read-out fails."""
    point = beamline.point
    yield from bps.trigger(beamline.exposure, wait=True)
    point.scan_index, point.point_index, point.expected_shutter = scan_index, point_index, STATES[shutter]
    yield from bps.create(name="primary")
    try:
        yield from bps.read(point)
    except Exception:
        yield from bps.drop()
        raise
    yield from bps.save()


def measure(
    beamline: Beamline, request: ScanRequest, scan_index: int, point_index: int, shutter: str, changes: Changes
) -> Plan:
    """Measure one point: make the `changes` since the last one and expose.

    On failure wait for the beamline, set everything anew and repeat; raises the last failure after as many attempts as
    allowed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if attempt > 1:
                everything: Changes = {
                    **request.fixed,
                    request.axis: request.points[point_index],
                    "laser_shutter": shutter,
                }
                yield from apply_settings(beamline, everything, request.dwell_s)
            elif changes:
                yield from bps.abs_set(beamline.settings, changes, wait=True)
            yield from expose(beamline, scan_index, point_index, shutter)
        except RETRYABLE as error:
            if attempt == ATTEMPTS:
                raise
            logger.warning("Point %d of scan %d is measured again: %s", point_index, scan_index, reason(error))
            yield from wait_connected(beamline)
        else:
            return


def wait_connected(beamline: Beamline, timeout_s: float = RECONNECT_TIMEOUT_S) -> Plan:
    """Wait until every PV answers; raises NotConnectedError with the missing ones when the time is up."""
    deadline = time.monotonic() + timeout_s
    while missing := beamline.disconnected():
        if time.monotonic() > deadline:
            raise NotConnectedError(missing, timeout_s)
        logger.warning("Waiting for %d PVs, first of them %s", len(missing), missing[0])
        yield from bps.sleep(RECONNECT_POLL_S)


def with_reasons(plan: Plan) -> Plan:
    """`plan`, its failures raised as what went wrong instead of bluesky's FailedStatus around it."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        raise reason(error) from error


def reason(error: BaseException) -> BaseException:
    """What made a status fail: the MotionError, AcquisitionError or time-out behind bluesky's FailedStatus."""
    return error.__cause__ if isinstance(error, FailedStatus) and error.__cause__ is not None else error
