"""When a plan that waits reports it again: when the reason changes, and ever more rarely while it stays the same."""

from __future__ import annotations

import math
import re

UNCHANGED_S = (60.0, 1800.0)
"""Time after which the same reason is reported once more, s: at first, and at most, as it doubles with each report."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")


class WaitReports:
    """When a wait is reported again: if its reason changes, and ever more rarely while it stays the same.

    A night without beam would otherwise fill the log with thousands of equal lines.
    """

    def __init__(self, shortest_s: float) -> None:
        self._shortest_s = shortest_s
        self._reason = ""
        self._reported_s = -math.inf
        self._interval_s = UNCHANGED_S[0]

    def begin(self, reason: str, now_s: float) -> None:
        """Begin a wait, whose `reason` has been reported at `now_s`, s."""
        self._reason = _without_numbers(reason)
        self._reported_s = now_s
        self._interval_s = UNCHANGED_S[0]

    def are_due(self, reason: str, now_s: float) -> bool:
        """Return whether `reason` is to be reported at `now_s`, s; if so, it counts as reported."""
        since_s = now_s - self._reported_s
        # The read-back in a reason changes at every look; only another reason is news.
        if _without_numbers(reason) != self._reason:
            is_due = since_s >= self._shortest_s
            interval_s = UNCHANGED_S[0]
        else:
            is_due = since_s >= self._interval_s
            interval_s = min(2 * self._interval_s, UNCHANGED_S[1])
        if is_due:
            self.begin(reason, now_s)
            self._interval_s = interval_s
        return is_due


def _without_numbers(reason: str) -> str:
    return _NUMBER.sub("", reason)
