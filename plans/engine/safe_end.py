"""The end of every scan: the detectors stop and the laser is blocked, or an error states that it may not be.

The end is retried while the beamline does not answer. An abort by the user during these attempts does not stop them; it
is raised afterwards. The error that ended the scan stays the one that is raised.
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
from plans.engine.attempts import RETRYABLE, reason, with_reasons
from plans.engine.suspending import wait_connected
from plans.types import AnyPlan, Plan

ATTEMPTS = 7
"""Attempts at closing the shutters; with the growing pauses between them they take some seconds."""

ENDED_BY_USER = (RunEngineControlException, FailedPause)
"""Exceptions that bluesky throws into a plan for stop, abort, and a pause where nothing can be resumed."""

CLOSE_TIMEOUT_S = 20.0
"""Longest wait at the end of a scan for a restarting IOC, s, before a shutter is given up."""

logger = logging.getLogger("trxas.plans")


def ending_safely(beamline: Beamline, plan: AnyPlan, pilatus: Pilatus | None = None) -> AnyPlan:
    """Run `plan`, then stop the detectors, block the laser and close the file of a `pilatus`.

    A pause blocks laser and X-rays. Raises the failure of `plan`, or MotionError if a shutter may still be open.
    """
    return (yield from bpp.contingency_wrapper(
        with_reasons(_pausing_safely(beamline, plan)),
        except_plan=lambda error: end_safely(beamline, pilatus, because=error),
        else_plan=lambda: end_safely(beamline, pilatus),
    ))  # fmt: skip


def _pausing_safely(beamline: Beamline, plan: AnyPlan) -> AnyPlan:
    # bluesky calls `pause` of every object that it has seen in a message; that of the axis group closes the shutters.
    yield Msg("null", beamline.axis_group)
    return (yield from plan)


def end_safely(beamline: Beamline, pilatus: Pilatus | None, because: BaseException | None = None) -> Plan:
    """Restore the default approach, stop the detectors and block the laser; after a failure or abort also the X-rays.

    Retries while the beamline does not answer; an abort during this is raised afterwards. Raises MotionError if a
    shutter may still be open, with the error that ended the scan.
    """
    # Two facts are followed: `ended`, what ended the scan (None for a good end), which decides whether the X-rays
    # close, and is raised in the end; and `last`, the latest failure of closing. An abort during the attempts sets
    # `ended`, if nothing has, and the attempts continue: stopping at this point would leave the laser on the sample.
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
    shutters = [shutter for shutter in shutters if shutter.can_close]
    yield from wait_connected(beamline, (beamline.exposure, *shutters), CLOSE_TIMEOUT_S)
    # Both in one move: a shutter that fails must not keep the other open.
    if shutters:
        yield from bps.abs_set(beamline.axis_group, {shutter.name: "closed" for shutter in shutters}, wait=True)
    yield from bps.stop(beamline.exposure)


def close_image_file(pilatus: Pilatus | None) -> Plan:
    """Close the file of the Pilatus; a failure is only logged, not raised, because its images are complete."""
    if pilatus is None:
        return
    try:
        yield from bps.stop(pilatus)
        yield from bps.unstage(pilatus)
    except RETRYABLE as error:
        logger.warning("The Pilatus' file was not closed: %s. The images in it are complete.", reason(error))


def _unsafe(last: BaseException | None, before: str) -> TrxasError:
    return MotionError(f"THE LASER MAY STILL BE ON THE SAMPLE: a shutter could not be closed: {last}.{before}")
