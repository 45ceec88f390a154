"""Moves that begin while the previous exposure is read out or stored, and whose failure waits for its own exposure."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ophyd.status import StatusBase

from devices.axes.axis import Following
from devices.axes.axis_group import AxisGroup, Target
from errors import MotionError, TrxasError

logger = logging.getLogger("trxas.devices")

Start = Callable[[], Sequence[StatusBase]]
"""Starts the moves of axes, and returns their statuses."""

NOT_MOVED = (
    "The axes were not sent to the next point, as the exposure before it was bad or could not be read at once. "
    "They are sent again."
)
"""Error of a move that had to wait for a read-out and was not begun."""


@dataclass(frozen=True, kw_only=True)
class WaitingMove:
    """A move of `axes`, by event field, that waits for a read-out: either `begin` or `refuse` is called, once.

    Neither may raise. `is_followed`: whether the next exposure may begin at its end.
    """

    axes: frozenset[str]
    is_followed: bool = False
    begin: Callable[[], None]
    refuse: Callable[[], None]


class ReadsOut(Protocol):
    """Reader of exposures that lets a move begin with a read-out, and may begin the next exposure after the move."""

    def exposure_ahead(self, targets: Any) -> Following | None:
        """Return the next exposure, with the reader's `targets`, to begin at the end of the move, or None."""

    def abandon_ahead(self) -> None:
        """End an exposure that has begun ahead, and let none begin; raises nothing."""

    def begin_at_read_out(self, move: WaitingMove) -> bool:
        """Let `move` begin, or refuse it, when the present exposure is read out; return false without an exposure."""


class Arrival:
    """Status of a move that ends as a success in any case; `error` states why the move failed, None if it did not.

    It has what bluesky needs of a status, and no thread: the statuses of the axes have their own time-outs.
    """

    success = True

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._left = 0
        self._done = False
        self._callbacks: list[Callable[[Any], None]] = []
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        """Whether the move has ended."""
        return self._done

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        """Return None: the plan asks for `error` when it needs the axes; `timeout`, s, belongs to the interface."""
        del timeout
        return None  # bluesky's interface allows an error

    def add_callback(self, callback: Callable[[Any], None]) -> None:
        """Call `callback` with this status when the move has ended, at once if it has."""
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
        callback(self)

    def follow(self, statuses: Sequence[StatusBase]) -> None:
        """End when all `statuses` have ended, with the reason of the first that failed; at once if there are none."""
        # One is added for this call itself, so that a status that ends within it does not end the whole.
        self._left = len(statuses) + 1
        for status in statuses:
            status.add_callback(self._one_ended)
        self.end(None)

    def end(self, error: BaseException | None) -> None:
        """Count one end, with `error` if it was a failure; the last one ends the move."""
        with self._lock:
            self.error = self.error or error
            self._left -= 1
            if self._left > 0 or self._done:
                return
            self._done = True
            callbacks = self._callbacks
            self._callbacks = []
        for callback in callbacks:
            callback(self)

    def _one_ended(self, status: StatusBase) -> None:
        self.end(status.exception(timeout=0))


class MoveAhead:
    """A bluesky Movable that moves the axes of `group` for the next exposure; its status never fails.

    A move that is set during an exposure of `reader` begins with its read-out, or not at all if that exposure is bad.
    After a pause that repeats the exposure, the axes return to it first.

    bluesky throws the failure of a status into the plan at whatever message comes next. That would be the one that
    stores the exposure before, and the plan could not tell whether it is stored. Here the failure waits in `error`.
    """

    # A pause repeats all messages since the last exposure was stored: the exposure, which needs the axes where they
    # were, and the message that moves them ahead. `_origin` is where they were, until the exposure is stored.

    parent = None

    def __init__(self, group: AxisGroup, reader: ReadsOut) -> None:
        self.name = f"{group.name}_ahead"
        self._group = group
        self._reader = reader
        self._arrival = Arrival()
        self._origin: dict[str, Target] = {}

    @property
    def error(self) -> BaseException | None:
        """Why the latest move failed; None if it did not, or has not ended."""
        return self._arrival.error

    def check_value(self, targets: Mapping[str, Target]) -> None:
        """Raise InputError unless every axis may go to its target, in its unit."""
        self._group.check_value(targets)

    def set(
        self,
        targets: Mapping[str, Target],
        origin: Mapping[str, Target],
        exposure: Any = None,
    ) -> Arrival:
        """Start to move from `origin` to `targets`, in the units of the axes.

        With the targets of an `exposure`, the reader may begin it at the end of the move, which needs a single axis. A
        move that is refused has ended with its `error`.
        """
        # The targets and not the exposure itself: after a pause bluesky repeats this message for another exposure.
        following = None if exposure is None else self._reader.exposure_ahead(exposure)
        start = self._ready_move(targets, following)
        arrival = Arrival()
        self._arrival = arrival
        self._origin = dict(origin)
        move = WaitingMove(
            axes=frozenset(targets),
            is_followed=following is not None,
            begin=partial(self._start, arrival, start),
            refuse=partial(arrival.end, MotionError(NOT_MOVED)),
        )
        if not self._reader.begin_at_read_out(move):
            move.begin()
        return arrival

    def _ready_move(self, targets: Mapping[str, Target], following: Following | None) -> Start:
        if following is not None:
            # Everything but the writes is done while the detectors count. What forbids the move does so at its start.
            with contextlib.suppress(TrxasError):
                return self._group.ready_move(targets, following)
        return partial(self._group.start, targets)

    @staticmethod
    def _start(arrival: Arrival, start: Start) -> None:
        try:
            arrival.follow(start())
        except Exception as error:  # noqa: BLE001  # on another thread nobody else gets it: the plan raises it later
            arrival.end(error)

    def stay(self) -> None:
        """Stay where the axes are going: the exposure before is stored, so a pause does not repeat it."""
        self._origin = {}

    def pause(self) -> None:
        """Do nothing: the axes are stopped already; bluesky calls this and `resume`."""

    def resume(self) -> None:
        """Return to where the exposure that is repeated needs the axes; raises nothing.

        If that fails, the exposure is marked as bad, and measured again.
        """
        if not self._origin:
            return
        try:
            # Every axis has a time-out of its own, so this ends.
            self._group.set(self._origin).wait()
        except Exception as error:  # noqa: BLE001  # whatever it is, the exposure shows it and is repeated
            logger.warning("After the pause the axes did not return to the point that is measured again: %s", error)

    def stop(self, *, success: bool = False) -> None:
        """Stop every axis at its current position, and an exposure that has begun ahead."""
        self._reader.abandon_ahead()
        self._group.stop(success=success)
