"""One thread that waits for all time-outs of a process: a thread for each would mean two per step of a scan."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Deadlines:
    """Calls functions when their time is up, each at most once, on a thread that starts with the first.

    A function should return soon, as later ones wait for it. What it was called for may have ended long before; it has
    to find that out itself.
    """

    # The heap holds (time, order of arrival, function), earliest first. An entry that ended in time stays until its
    # time is up: finding it would cost more than the few hundred bytes that it takes.

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None

    def add(self, seconds: float, expire: Callable[[], None]) -> None:
        """Call `expire` in `seconds` from now; it must not raise."""
        due = time.monotonic() + seconds
        with self._changed:
            is_first = not self._waiting or due < self._waiting[0][0]
            heapq.heappush(self._waiting, (due, next(self._order), expire))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="deadlines", daemon=True)
                self._thread.start()
            elif is_first:
                self._changed.notify()

    def _work(self) -> None:
        while True:
            self._next()()

    def _next(self) -> Callable[[], None]:
        """Wait until a time is up, and return its function."""
        with self._changed:
            while not self._waiting or (left_s := self._waiting[0][0] - time.monotonic()) > 0:
                self._changed.wait(left_s if self._waiting else None)
            return heapq.heappop(self._waiting)[2]


DEADLINES = Deadlines()
"""The time-outs of this process."""
