"""A stored run, replayed at 1 to 100 times the speed at which it was measured."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from errors import OutOfRangeError
from gui.live.feed import AT_ONCE
from gui.live.frame import FeedState
from reduction.events import events_of
from reduction.types import NamedDocument

SLOWEST = 1.0
FASTEST = 100.0
"""Limits of the speed, seconds of the run per second."""


class ReplayFeed:
    """The documents of a run, at the intervals at which they were recorded. Any thread may call any method.

    `duration_s` is the time from the first document to the last. Raises OutOfRangeError for a speed outside 1 to 100.
    """

    def __init__(self, documents: Iterable[NamedDocument], *, speed: float = SLOWEST, paused: bool = False) -> None:
        self._documents = [event for name, doc in documents for event in _singly(name, doc)]
        self._times = _times(self._documents)
        self.duration_s = self._times[-1] if self._times else 0.0
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._speed = _checked(speed)
        self._paused = paused
        self._from_s = 0.0
        self._since = time.monotonic()
        self._next = 0
        uid = next((str(doc["uid"]) for name, doc in self._documents if name == "start"), "an empty run")
        self._state = FeedState(source=f"replay of {uid[:8]}", live=False, connected=True)

    @property
    def state(self) -> FeedState:
        """State of the source; a replay is never live, and has no lag in s."""
        return self._state

    @property
    def speed(self) -> float:
        """Speed, seconds of the run per second. Setting it raises OutOfRangeError outside 1 to 100."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        with self._lock:
            self._rebase(self._now_s())
            self._speed = _checked(value)
        self._changed.set()

    @property
    def paused(self) -> bool:
        """Whether the replay is paused."""
        return self._paused

    def pause(self) -> None:
        """Pause the replay where it is; documents already due may still be taken. Returns at once, from any thread."""
        with self._lock:
            self._rebase(self._now_s())
            self._paused = True

    def play(self) -> None:
        """Continue the replay; at its end, start again from the beginning, 0 s."""
        with self._lock:
            at_end = self._next == len(self._documents)
            self._rebase(0.0 if at_end else self._now_s())
            self._next = 0 if at_end else self._next
            self._paused = False
        self._changed.set()

    @property
    def position_s(self) -> float:
        """Current position in the run, s."""
        with self._lock:
            return self._now_s()

    def seek(self, position_s: float) -> None:
        """Go to `position_s`, 0 s to `duration_s`; a position outside is taken as the nearer end.

        To go forward, the documents in between are sent at once; to go back, all documents up to there are sent again,
        as there is no way to take documents back.
        """
        with self._lock:
            position_s = min(max(position_s, 0.0), self.duration_s)  # a slider's rounding is not an error
            # Going back means beginning again: sums cannot be undone, but the documents up to the place can be taken
            # again, at once. The receiver sees the same start document again, and counts the run once.
            if self._next and position_s < self._times[self._next - 1]:
                self._next = 0
            self._rebase(position_s)
        self._changed.set()

    def open(self) -> None:
        """Start with the start document, at 0 s."""
        with self._lock:
            self._next = 0
            self._rebase(0.0)

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """Return at most `AT_ONCE` documents that are due, after at most `timeout_s`, s; none while paused."""
        due = self._due()
        if not due:
            self._changed.wait(self._waiting_s(timeout_s))
            self._changed.clear()
            due = self._due()
        if due:
            self._state = FeedState(
                source=self._state.source, live=False, connected=True, last_document_at=time.monotonic()
            )
        return due

    def close(self) -> None:
        """Do nothing; there is no connection."""

    def _due(self) -> Sequence[NamedDocument]:
        with self._lock:
            # `_next` is the number of documents that were taken. The clock of the replay is `_from_s` at the moment
            # `_since`, and runs `_speed` times as fast as the wall clock from there, or stands while paused. Every
            # change of speed, pause or place moves this origin to the current position, so that the position is
            # continuous. Documents are due when the clock has passed their time; after a jump forward many are due at
            # once, and are given out in portions.
            end = min(bisect_right(self._times, self._now_s()), self._next + AT_ONCE)
            due = self._documents[self._next : end]
            self._next = max(self._next, end)
            return due

    def _waiting_s(self, timeout_s: float) -> float:
        with self._lock:
            if self._paused or self._next == len(self._documents):
                return timeout_s
            return min(timeout_s, max(0.0, (self._times[self._next] - self._now_s()) / self._speed))

    def _now_s(self) -> float:
        running_s = 0.0 if self._paused else (time.monotonic() - self._since) * self._speed
        return min(self._from_s + running_s, self.duration_s)

    def _rebase(self, position_s: float) -> None:
        self._from_s = position_s
        self._since = time.monotonic()


def _checked(speed: float) -> float:
    if not SLOWEST <= speed <= FASTEST:
        raise OutOfRangeError("speed", speed, SLOWEST, FASTEST, "s/s")
    return speed


def _singly(name: str, doc: Mapping[str, Any]) -> Iterable[NamedDocument]:
    if name != "event_page":
        return [(name, doc)]
    return [("event", event) for event in events_of(name, doc)]


def _times(documents: Sequence[NamedDocument]) -> list[float]:
    """Return the time of each document since the start, s, never decreasing; asset documents have no time."""
    times: list[float] = []
    origin: float | None = None
    for _, doc in documents:
        if origin is None and "time" in doc:
            origin = float(doc["time"])
        now = float(doc["time"]) - origin if origin is not None and "time" in doc else 0.0
        times.append(max(now, times[-1] if times else 0.0))
    return times
