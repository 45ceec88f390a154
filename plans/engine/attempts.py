"""Attempts at a point that is bad or fails, and which errors another attempt can cure."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

from bluesky.utils import FailedStatus, Msg

from devices.beamline import Beamline
from devices.signals.uncached_signal import CHANNEL_ERRORS
from errors import AcquisitionError, MotionError, NotSettledError, StorageError, WaitedError
from plans.engine.suspending import SuspensionClock, wait_until_well
from plans.types import AnyPlan, Plan

RETRYABLE = (FailedStatus, AcquisitionError, MotionError, TimeoutError, *CHANNEL_ERRORS)
"""Errors that a second attempt can cure, including a lost connection (a TimeoutError); not wrong input."""

FINAL = (NotSettledError, StorageError, WaitedError)
"""Errors that the next attempt repeats, although they arrive in a failed status: a heater, a full disk."""

logger = logging.getLogger("trxas.plans")


class Attempts:
    """Counter of the attempts at one point, with their limit, the pauses between them, and the waits for the beamline.

    The waits of all attempts count together towards `suspend_s` of [quality].
    """

    def __init__(self, beamline: Beamline, point: str) -> None:
        self._beamline = beamline
        self._quality = beamline.configuration.quality
        self._point = point
        self._made = 0
        self._clock = SuspensionClock(beamline)

    def wait_until_well(self, needed: frozenset[str]) -> Generator[Msg, Any, bool]:
        """Wait until the `needed` conditions hold, and return whether there was anything to wait for.

        Raises WaitedError once all attempts together have waited for `suspend_s` of [quality].
        """
        return (yield from wait_until_well(self._beamline, self._clock, needed))

    def failed(self, why: str, error: BaseException | None = None) -> Plan:
        """Count a failed attempt and pause before the next; after the last, raise `error` or AcquisitionError.

        The pause doubles from `pause_s` to `pause_high_s`, s, of [quality].
        """
        self._made += 1
        if self._made >= self._quality.attempts:
            raise error or AcquisitionError(
                f"{self._point} was bad {self._made} times, with {self._clock.waited_s:.0f} s of waiting. Last: {why}. "
                "The run is closed and its data are saved; remove the cause and resume it with resume_run()."
            )
        logger.warning("%s is measured again: %s", self._point, why)
        yield Msg("sleep", None, min(self._quality.pause_s * 2 ** (self._made - 1), self._quality.pause_high_s))
        yield Msg("checkpoint")


def with_reasons(plan: AnyPlan) -> AnyPlan:
    """Run `plan` and raise the cause of a failure instead of the FailedStatus that bluesky wraps around it."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        raise reason(error) from error


def reason(error: BaseException) -> BaseException:
    """Return the cause of a failed status, such as the MotionError or time-out behind bluesky's FailedStatus."""
    return error.__cause__ if isinstance(error, FailedStatus) and error.__cause__ is not None else error
