"""The read-out of one exposure: requested as soon as the exposure ends, with a move that may begin right behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from devices.axes.move_ahead import WaitingMove
from devices.signals.uncached_signal import BATCH_S, CHANNEL_ERRORS, PvReading, RequestedReadings
from errors import AcquisitionError, NotConnectedError

PATIENT_S = 2.0
"""Wait before a second request if a move follows the first, s: the axis would then be at the next position."""


class ReadOut:
    """The read-out of one exposure: `send` sends its requests, and `release` gives axes free to move.

    `release` takes the axes by event field, and returns false if they must stay, as the exposure is known to be bad.
    """

    # The end of an exposure is reported on a thread of its own, and bluesky's loop comes to the read-out half a
    # millisecond later. The requests leave on the first of the two. A move of an electronic delay follows them at once:
    # its server answers first, and moves then. States, changed under the lock: open, requested, over. A move that waits
    # in `_then` leaves it when the read-out is requested, to begin or to be refused, or when it is over, to be refused.
    # Axes are released under the lock, too: later the watch would release them from the next exposure.
    # Every way out of an exposure leads to `collect` or `abandon`, so no move is waited for forever. A read-out that is
    # over forgets `send` and `release`: they belong to the exposure, which would otherwise wait for Python to search
    # for garbage in reference cycles.

    def __init__(self, send: Callable[[], RequestedReadings], release: Callable[[frozenset[str]], bool]) -> None:
        self._send: Callable[[], RequestedReadings] | None = send
        self._release: Callable[[frozenset[str]], bool] | None = release
        self._requested: RequestedReadings | None = None
        self._then: WaitingMove | None = None
        self._axes_left = False
        self._is_followed = False
        self._lock = threading.Lock()

    def then(self, move: WaitingMove) -> None:
        """Let `move` begin once the read-out is requested, at once if it is; refuse it once the read-out is over."""
        with self._lock:
            if self._requested is None and self._release is not None:
                self._then = move
                return
            may_begin = self._release is not None and self._release(move.axes)
            self._axes_left = may_begin
        self._go_on(move, may_begin=may_begin)

    def request(self) -> None:
        """Send the requests unless they are sent, and let the move begin that waits for them; raises nothing.

        After an error the move goes on waiting, as `collect` requests again.
        """
        with self._lock:
            if self._send is None or self._release is None or self._requested is not None:
                return
            try:
                self._requested = self._send()
            except (NotConnectedError, *CHANNEL_ERRORS):
                return
            move = self._then
            self._then = None
            may_begin = move is not None and self._release(move.axes)
            self._axes_left = may_begin
            self._is_followed = move is not None and may_begin and move.is_followed
        if move is not None:
            self._go_on(move, may_begin=may_begin)

    @property
    def is_followed(self) -> bool:
        """Whether a move has begun behind the requests at whose end the next exposure may begin."""
        return self._is_followed

    @property
    def is_answered(self) -> bool:
        """Whether all answers have come: whatever happens now cannot touch what was read."""
        with self._lock:
            requested = self._requested
        return requested is not None and requested.have_come()

    def collect(self) -> Mapping[str, PvReading]:
        """Return the answers by the keys of their signals, once; raises NotConnectedError with a PV without one.

        Raises AcquisitionError if the read-out is over.
        """
        send = self._send
        if send is None:
            raise AcquisitionError("The exposure was read already, or abandoned. Trigger a new one.")
        try:
            self.request()
            requested = send() if self._requested is None else self._requested
            return requested.collect(batch_s=PATIENT_S if self._axes_left else BATCH_S)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the read-out, and refuse a move that still waits for it; raises nothing."""
        with self._lock:
            self._send = None
            self._release = None
            requested = self._requested
            move = self._then
            self._then = None
        if requested is not None:
            requested.drop()
        if move is not None:
            move.refuse()

    @staticmethod
    def _go_on(move: WaitingMove, *, may_begin: bool) -> None:
        if may_begin:
            move.begin()
        else:
            move.refuse()
