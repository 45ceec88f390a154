"""Statuses whose errors name the action that was waited for, and the PVs that did not finish."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from ophyd import Device
from ophyd.status import DeviceStatus, Status, StatusBase
from ophyd.utils import StatusTimeoutError

from devices.signals.deadlines import DEADLINES, Deadline
from errors import MotionError, NotConnectedError, TrxasError

S = TypeVar("S", bound=StatusBase)


def without_cycle(status: S, text: str = "") -> S:
    """Return `status`, which log messages then show as `text`, by default as its class.

    ophyd lets the logger of a status refer to the status. Such a cycle is freed only when Python searches for garbage,
    and a step of a scan would leave four of them.
    """
    status.log.extra = {"status": text or type(status).__name__}
    return status


class MoveStatus(DeviceStatus):
    """Status of the action `what` of `device` through `pvs`; ophyd puts this description into the error of a time-out.

    It is done `settle_s` seconds after the motion has succeeded. Its time-out, `timeout_s` seconds, runs at once, or
    from `begin_by` on if it `waits`: making a status takes as long as sending what it is for.
    """

    # ophyd gives every status with a time-out a thread, whose start costs a scan a third of a millisecond per status.
    # Here one thread watches all time-outs. A success calls the callbacks on the thread that reports it, which is that
    # of Channel Access. A failure, which stops the device and may take seconds, gets a thread of its own. `_has_ended`
    # decides between an end and a time-out that come together: the first one calls the callbacks, the other does
    # nothing.

    def __init__(
        self,
        device: Device,
        *,
        what: str,
        pvs: list[str],
        timeout_s: float,
        settle_s: float = 0.0,
        waits: bool = False,
    ) -> None:
        self._text = f"{what} (waiting for {', '.join(pvs)})"
        self._has_ended = False
        self._deadline: Deadline | None = None
        super().__init__(device, settle_time=settle_s)
        without_cycle(self, self._text)
        self._timeout = timeout_s
        if not waits:
            self._begin()

    def _begin(self) -> None:
        assert self._timeout is not None  # __init__ has set it
        self._deadline = DEADLINES.add(self._timeout + self.settle_time, self._expire)

    def begin_by(self, write: Callable[[], None]) -> None:
        """Let the time-out run, and begin the action by `write`; if that raises, there is nothing that could time out.

        Otherwise nobody would wait for this status, and its time-out would stop the device in the middle of something
        else.
        """
        if self._deadline is None:
            self._begin()
        try:
            write()
        except BaseException:
            with self._externally_initiated_completion_lock:
                self._has_ended = True
            assert self._deadline is not None  # set by `_begin`
            self._deadline.cancel()
            raise

    def add_callback(self, callback: Callable[[StatusBase], None]) -> None:
        """Call `callback` with this status when it has ended, at once if it has.

        ophyd inspects the signature first, for callbacks of its early versions, which costs more than all the rest.
        """
        with self._lock:
            if self.done:
                callback(self)
            else:
                self._callbacks.append(callback)

    def _expire(self) -> None:
        with self._externally_initiated_completion_lock:
            if self._has_ended:
                return
            # Otherwise it has failed at this moment, and is about to end with its own reason.
            if self._exception is None:
                text = f"{self._text} has not ended within {self._timeout:g} s."
                self._exception: Exception | None = StatusTimeoutError(text)
            self._settled_event.set()
        self._run_callbacks()

    def _run_callbacks(self) -> None:
        with self._externally_initiated_completion_lock:
            if self._has_ended:
                return
            self._has_ended = True
        if self._deadline is not None:
            self._deadline.cancel()
        if self._exception is None:
            super()._run_callbacks()
        else:
            threading.Thread(target=super()._run_callbacks, name=f"failure of {self._text}", daemon=True).start()

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def finished(device: Device) -> DeviceStatus:
    """Return a finished status of `device`, for an action that was not necessary."""
    status = DeviceStatus(device)
    status.set_finished()
    return status


def finish(status: StatusBase) -> None:
    """Finish `status` unless its time-out came first."""
    if not status.done:
        status.set_finished()


def fail(status: StatusBase, error: Exception) -> None:
    """Fail `status` with `error` unless its time-out came first."""
    if not status.done:
        status.set_exception(error)


def end_at(status: StatusBase, read: Callable[[], str], value: str, failure: Callable[[str], str]) -> None:
    """End `status` by what is `read` back: as a success if that is `value`, and otherwise with MotionError.

    `failure` makes the message from what was read. Raises nothing itself: without an answer the status fails with
    NotConnectedError.
    """
    try:
        reached = read()
    except NotConnectedError as error:
        fail(status, error)
        return
    if reached == value:
        finish(status)
    else:
        fail(status, MotionError(failure(reached)))


class AllOf(Status):
    """Status that is done when all `statuses` are, and fails with the reason of the first failure.

    ophyd's own `status & status` fails without the reason. A time-out becomes a `timeout_error`, as ophyd lets only its
    own timers raise its StatusTimeoutError.
    """

    def __init__(self, statuses: Sequence[StatusBase], *, timeout_error: type[TrxasError] = MotionError) -> None:
        super().__init__()
        without_cycle(self)
        self._timeout_error = timeout_error
        self._left = len(statuses)
        self._failed = False
        self._counting = threading.Lock()
        if not statuses:
            self.set_finished()
        for status in statuses:
            status.add_callback(self._one_done)

    def _one_done(self, status: StatusBase) -> None:
        # Statuses end in different threads, and a status that ends twice raises. The lock makes the count and the
        # decision one step: only the first failure, or the last success, may end this status. Failures after the first
        # are dropped; they are often its consequence.
        error = status.exception(timeout=0)
        with self._counting:
            if self._failed:
                return
            self._left -= 1
            self._failed = error is not None
            finished = self._left == 0
        if error is not None:
            self.set_exception(self._timeout_error(str(error)) if isinstance(error, StatusTimeoutError) else error)
        elif finished:
            self.set_finished()
