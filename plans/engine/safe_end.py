"""The end of every scan: the detectors stop and the laser is blocked, or an error says loudly that it is not.

The end is retried while the beamline does not answer. An abort by the user during these attempts does not stop them: it
is remembered and raised afterwards. The failure that ended the scan stays the one that is raised.
"""

from __future__ import annotations

import logging

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedPause, Msg, RunEngineControlException

from devices.beamline import Beamline
from devices.detectors.pilatus import Pilatus
from errors import MotionError, TrxasError
from plans.engine.approach import use_approach
from plans.engine.measuring import RETRYABLE, reason, with_reasons
from plans.engine.suspending import wait_connected
from plans.types import AnyPlan, Plan

ATTEMPTS = 7
"""Attempts at closing the shutters, with the pauses of attempts at a point between them: over some seconds."""

ENDED_BY_USER = (RunEngineControlException, FailedPause)
"""What bluesky throws into a plan for stop, abort, and a pause where nothing can be resumed."""

CLOSE_TIMEOUT_S = 20.0
"""How long the end of a scan waits for an IOC to come back before it gives up on the shutter."""

logger = logging.getLogger("trxas.plans")


def ending_safely(beamline: Beamline, plan: AnyPlan, pilatus: Pilatus | None = None) -> AnyPlan:
    """Run `plan`, then stop the detectors and block the laser; a failure of `plan` stays the one that is raised.

    A pause blocks laser and X-rays. The file of a `pilatus` is closed.
    """
    return (yield from bpp.contingency_wrapper(
        with_reasons(_pausing_safely(beamline, plan)),
        except_plan=lambda error: end_safely(beamline, pilatus, because=error),
        else_plan=lambda: end_safely(beamline, pilatus),
    ))  # fmt: skip


def _pausing_safely(beamline: Beamline, plan: AnyPlan) -> AnyPlan:
    # bluesky calls `pause` of every object it has seen in a message; that of the axis group closes the shutters.
    yield Msg("null", beamline.axis_group)
    return (yield from plan)


def end_safely(beamline: Beamline, pilatus: Pilatus | None, because: BaseException | None = None) -> Plan:
    """Restore the default approach, stop the detectors, and block the laser; after a failure or abort also the X-rays.

    Retries while the beamline does not answer; an abort during this is raised afterwards. Raises MotionError if a
    shutter may still be open, naming what ended the scan before.
    """
    ended = because
    last = because
    for attempt in range(ATTEMPTS):
        try:
            if attempt:
                yield from bps.sleep(beamline.configuration.quality.pause_s * 2 ** (attempt - 1))
            yield from use_approach(beamline, beamline.energy.default_approach)
            yield from _close(beamline, with_xrays=ended is not None)
            yield from close_image_file(pilatus)
        except RETRYABLE as error:
            last = reason(error)
            logger.warning("Closing the shutters, attempt %d: %s", attempt + 1, last)
        except ENDED_BY_USER as error:
            ended = ended or error
            last = error
        else:
            break
    else:
        before = "" if ended is None else f" The scan itself had ended with: {ended}"
        raise _unsafe(last, before) from (ended or last)
    if ended is not None and because is None:
        raise ended


def _close(beamline: Beamline, *, with_xrays: bool) -> Plan:
    shutters = [beamline.laser_shutter]
    if with_xrays or beamline.configuration.quality.close_xrays_at_end:
        shutters.append(beamline.xray_shutter)
    yield from wait_connected(beamline, (beamline.exposure, *shutters), CLOSE_TIMEOUT_S)
    # Both in one move: a shutter that fails must not keep the other open.
    yield from bps.abs_set(beamline.axis_group, {shutter.name: "closed" for shutter in shutters}, wait=True)
    yield from bps.stop(beamline.exposure)


def close_image_file(pilatus: Pilatus | None) -> Plan:
    """Close the file of the Pilatus; its images are complete already, so a detector that is gone is only logged."""
    if pilatus is None:
        return
    try:
        yield from bps.stop(pilatus)
        yield from bps.unstage(pilatus)
    except RETRYABLE as error:
        logger.warning("The Pilatus' file was not closed: %s. The images in it are complete.", reason(error))


def _unsafe(last: BaseException | None, before: str) -> TrxasError:
    return MotionError(f"THE LASER MAY STILL BE ON THE SAMPLE: a shutter could not be closed: {last}.{before}")
