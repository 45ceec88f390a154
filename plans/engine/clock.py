"""Time for a plan: wall-clock time, but never less than the plan has asked to sleep.

A simulator that only reads the messages of a plan does not sleep. With the wall clock alone, a plan that waits would
yield messages until its time-out had passed in real time.
"""

from __future__ import annotations

import time

from bluesky.utils import Msg

from plans.types import Plan


class PlanClock:
    """Seconds since construction, never less than the plan has asked to sleep."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._skipped_s = 0.0

    def now_s(self) -> float:
        """Return the time, s."""
        return time.monotonic() - self._began + self._skipped_s

    def sleep(self, duration_s: float) -> Plan:
        """Sleep for `duration_s` seconds by a message; the clock advances by that much even in a simulator."""
        until_s = self.now_s() + duration_s
        yield Msg("sleep", None, duration_s)
        self._skipped_s += max(0.0, until_s - self.now_s())
