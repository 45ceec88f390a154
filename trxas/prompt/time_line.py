"""The line after a scan: how long it took, and what the time was used for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gui.quantity_text import duration_text
from trxas.session.time_use import Activity
from trxas.terminal.progress_line import PROGRESS

Seconds = Mapping[Activity, float]


class TimeLine:
    """Writes a line at the end of each run; `times_s` returns the times of the run that has just ended, s."""

    def __init__(self, times_s: Callable[[], Seconds]) -> None:
        self._times_s = times_s

    def __call__(self, name: str, _doc: Mapping[str, Any]) -> None:
        """Take one document of a run."""
        if name == "stop" and (text := time_text(self._times_s())):
            PROGRESS.write(text)


def time_text(times_s: Seconds) -> str:
    """Return the whole of times in s, and the share of each activity in whole per cent, together 100; "" for none."""
    whole_s = sum(times_s.values())
    if not whole_s > 0:
        return ""
    shares = {activity: 100.0 * times_s.get(activity, 0.0) / whole_s for activity in Activity}
    shown = {activity: int(share) for activity, share in shares.items()}
    # Of the shares that were cut off, the largest are rounded up, as many as are missing to 100.
    by_rest = sorted(shares, key=lambda activity: shown[activity] - shares[activity])
    for activity in by_rest[: 100 - sum(shown.values())]:
        shown[activity] += 1
    return f"{duration_text(whole_s)}: " + ", ".join(f"{activity} {shown[activity]} %" for activity in Activity)
