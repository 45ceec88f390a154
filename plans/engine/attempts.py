"""Attempts at a point that is bad or fails, and which errors another attempt can cure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import Any

from bluesky.utils import FailedStatus, Msg

from devices.beamline import Beamline
from devices.signals.uncached_signal import CHANNEL_ERRORS
from errors import AcquisitionError, MotionError, NotSettledError, StorageError, WaitedError
from plans.engine.suspending import SuspensionClock, close_shutters, wait_until_well
from plans.types import AnyPlan, Plan

RETRYABLE = (FailedStatus, AcquisitionError, MotionError, TimeoutError, *CHANNEL_ERRORS)
"""Errors that a second attempt can cure, including a lost connection (a TimeoutError); not wrong input."""

FINAL = (NotSettledError, StorageError, WaitedError)
"""Errors that the next attempt repeats, although they arrive in a failed status: a heater, a full disk."""

logger = logging.getLogger("trxas.plans")


class Attempts:
    """Counter of the attempts at one point, with their limits, the pauses between them, and the waits for the beamline.

    The waits of all attempts count together towards `suspend_s` of [quality], and so do the moves of attempts that end
    with an error towards `retry_s`.
    """

    # Three limits, because attempts differ in length: a bad exposure costs its dwell, a motor that is blocked its whole
    # time-out. Twelve of the latter would hide a broken motor for half an hour. An error that comes back suspends the
    # run: the shutters are closed, windows and alerts state the reason, and the axes move before there is light again.

    def __init__(self, beamline: Beamline, point: str) -> None:
        self._beamline = beamline
        self._quality = beamline.configuration.quality
        self._point = point
        self._made = 0
        self._clock = SuspensionClock(beamline)
        self._began_s = self._clock.now_s()
        self._arrived_s: float | None = None
        self._lost_s = 0.0

    def wait_until_well(self, needed: frozenset[str], move: Callable[[], Plan]) -> Generator[Msg, Any, bool]:
        """Wait until the `needed` conditions hold, and return whether there was anything to wait for.

        A run that `suspend` has suspended moves its axes by `move` first. Raises WaitedError once all attempts together
        have waited for `suspend_s` of [quality], and what `move` raises.
        """
        self._began_s = self._clock.now_s()
        self._arrived_s = None
        was_suspended = self._clock.is_suspended
        if was_suspended:
            yield from move()
        has_waited = yield from wait_until_well(self._beamline, self._clock, needed)
        yield from self._clock.end()
        self._began_s = self._clock.now_s()
        return has_waited or was_suspended

    def arrived(self) -> None:
        """Remember that the moves of this attempt have ended: a long exposure that fails is no motor that is stuck."""
        self._arrived_s = self._clock.now_s()

    def suspend(self, reason: str) -> Plan:
        """Suspend the run for `reason`, with both shutters closed, until all is well and the axes have moved."""
        yield from self._clock.begin(reason)
        yield from close_shutters(self._beamline)

    def failed(self, why: str, error: BaseException | None = None) -> Plan:
        """Count a failed attempt and pause before the next; after the last, raise `error` or AcquisitionError.

        The pause doubles from `pause_s` to `pause_high_s`, s, of [quality].
        """
        self._made += 1
        if error is not None:
            arrived_s = self._clock.now_s() if self._arrived_s is None else self._arrived_s
            self._lost_s += arrived_s - self._began_s
        if self._made >= self._quality.attempts or (self._made > 1 and self._lost_s > self._quality.retry_s):
            # The cause of a failed status is its reason: it must not be replaced by the status itself.
            last = self._last(why, error)
            raise last from (error.__cause__ if last is error else error)
        logger.warning("%s is measured again: %s", self._point, why)
        if error is not None and self._made > 1:
            yield from self.suspend(why)
        yield Msg("sleep", None, min(self._quality.pause_s * 2 ** (self._made - 1), self._quality.pause_high_s))
        yield Msg("checkpoint")

    def _last(self, why: str, error: BaseException | None) -> BaseException:
        """Return the error that ends the run."""
        advice = "The run is closed and its data are saved; remove the cause and resume it with resume_run()."
        if error is None:
            return AcquisitionError(
                f"{self._point} was bad {self._made} times, with {self._clock.waited_s:.0f} s of waiting. Last: {why}. "
                f"{advice}"
            )
        if isinstance(reason(error), MotionError):
            tried = f"{self._point} could not be reached in {self._made} attempts and {self._lost_s:.0f} s"
            return MotionError(f"{tried}: {why.rstrip('.')}. {advice}")
        return error


def with_reasons(plan: AnyPlan) -> AnyPlan:
    """Run `plan` and raise the cause of a failure instead of the FailedStatus that bluesky wraps around it."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        raise reason(error) from error


def reason(error: BaseException) -> BaseException:
    """Return the cause of a failed status, such as the MotionError or time-out behind bluesky's FailedStatus."""
    return error.__cause__ if isinstance(error, FailedStatus) and error.__cause__ is not None else error
