"""Durations and ages in the form in which people write them."""

from __future__ import annotations


def duration_text(duration_s: float) -> str:
    """Return `duration_s`, in s, with fitting units: "45 s", "12 min 30 s", "3 h 05 min"."""
    seconds = round(duration_s)
    if seconds < 60:
        return f"{duration_s:.0f} s" if duration_s >= 10 else f"{duration_s:.1f} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def age_text(age_s: float) -> str:
    """Return an age given in s with a single unit: 0.4 s, 12 s, 3 min, 2 h."""
    if age_s < 10:
        return f"{max(age_s, 0.0):.1f} s"
    if age_s < 120:
        return f"{age_s:.0f} s"
    return f"{age_s / 60:.0f} min" if age_s < 7200 else f"{age_s / 3600:.0f} h"
