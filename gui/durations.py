"""Durations as people say them."""

from __future__ import annotations


def duration_words(duration_s: float) -> str:
    """A duration as people say it: "45 s", "12 min 30 s", "3 h 05 min"."""
    seconds = round(duration_s)
    if seconds < 60:
        return f"{duration_s:.0f} s" if duration_s >= 10 else f"{duration_s:.1f} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
