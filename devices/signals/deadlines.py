"""One thread that waits for all time-outs of a process: a thread for each would mean two per step of a scan."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("trxas.devices")


class Deadline:
    """One time-out, which calls `expire` when its time is up, unless it is cancelled before."""

    def __init__(self, expire: Callable[[], None]) -> None:
        self._expire: Callable[[], None] | None = expire

    def cancel(self) -> None:
        """Forget the function, which may be called once more if its time is up at this moment."""
        self._expire = None

    def pass_by(self) -> None:
        """Call the function, unless this was cancelled."""
        expire = self._expire
        if expire is not None:
            expire()


class Deadlines:
    """Calls functions when their time is up, each at most once, on a thread that starts with the first.

    A function should return soon, as later ones wait for it. What it was called for may end at the same moment; it has
    to find that out itself.
    """

    # The heap holds (time, order of arrival, deadline), earliest first. A cancelled one stays until its time is up, as
    # finding it would cost more than the few bytes that it takes. It no longer holds what it was for: at a hundred
    # steps a second those would be thousands of statuses, through which Python's collector of garbage has to go.

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Deadline]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None

    def add(self, seconds: float, expire: Callable[[], None]) -> Deadline:
        """Call `expire`, which must not raise, in `seconds` from now, unless the deadline returned is cancelled."""
        due = time.monotonic() + seconds
        deadline = Deadline(expire)
        with self._changed:
            is_first = not self._waiting or due < self._waiting[0][0]
            heapq.heappush(self._waiting, (due, next(self._order), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="deadlines", daemon=True)
                self._thread.start()
            elif is_first:
                self._changed.notify()
        return deadline

    def _work(self) -> None:
        while True:
            try:
                self._next().pass_by()
            except Exception:
                # The time-outs of everything else depend on this thread.
                logger.exception("A time-out was not carried out")

    def _next(self) -> Deadline:
        """Wait until a time is up, and return its deadline."""
        with self._changed:
            while not self._waiting or (left_s := self._waiting[0][0] - time.monotonic()) > 0:
                self._changed.wait(left_s if self._waiting else None)
            return heapq.heappop(self._waiting)[2]


DEADLINES = Deadlines()
"""The time-outs of this process."""
