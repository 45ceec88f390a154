"""However a scan ends: the detectors stop, and the laser is blocked, or somebody is told loudly that it is not."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedPause, Msg, RunEngineControlException

from devices.beamline import Beamline
from devices.detectors.pilatus import Pilatus
from errors import MotionError, TrxasError
from plans.engine.approach import use_approach
from plans.engine.measuring import RETRYABLE, reason, with_reasons
from plans.engine.suspending import Plan, wait_connected

ATTEMPTS = 7
"""Times the shutters are told to close, with pauses as between attempts at a point: over some seconds."""

ENDED_BY_USER = (RunEngineControlException, FailedPause)
"""What bluesky throws into a plan for stop, abort, and a pause where nothing can be resumed."""

CLOSE_TIMEOUT_S = 20.0
"""How long the end of a scan waits for an IOC to come back before it gives up on the shutter."""

logger = logging.getLogger("trxas.plans")


def ending_safely(
    beamline: Beamline, plan: Generator[Msg, Any, Any], pilatus: Pilatus | None = None
) -> Generator[Msg, Any, Any]:
    """`plan`, then detectors stopped and laser blocked; its own failure stays the one that is raised.

    A pause of it blocks laser and X-rays. A `pilatus` has its file closed.
    """
    return (yield from bpp.contingency_wrapper(
        with_reasons(_pausing_safely(beamline, plan)),
        except_plan=lambda error: end_safely(beamline, pilatus, because=error),
        else_plan=lambda: end_safely(beamline, pilatus),
    ))  # fmt: skip


def _pausing_safely(beamline: Beamline, plan: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
    # bluesky tells of a pause whom it has seen in a message; these close the shutters then.
    yield Msg("null", beamline.axis_group)
    return (yield from plan)


def end_safely(beamline: Beamline, pilatus: Pilatus | None, because: BaseException | None = None) -> Plan:
    """Give the approach back, stop the detectors and block the laser, after a failure or an abort the X-rays too.

    All is tried again if the beamline does not answer; an abort meanwhile has to wait. Raises MotionError if a shutter
    may still be open, naming what ended the scan before.
    """
    ended, last = because, because
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
            ended, last = ended or error, error
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
    # One failing must not keep the other open.
    yield from bps.abs_set(beamline.axis_group, {shutter.name: "closed" for shutter in shutters}, wait=True)
    yield from bps.stop(beamline.exposure)


def close_image_file(pilatus: Pilatus | None) -> Plan:
    """End the Pilatus' file; images are whole in it already, so a detector that is gone fails nothing."""
    if pilatus is None:
        return
    try:
        yield from bps.stop(pilatus)
        yield from bps.unstage(pilatus)
    except RETRYABLE as error:
        logger.warning("The Pilatus' file was not closed: %s. Its images are kept.", reason(error))


def _unsafe(last: BaseException | None, before: str) -> TrxasError:
    return MotionError(f"THE LASER MAY STILL BE ON THE SAMPLE: a shutter could not be closed: {last}.{before}")
