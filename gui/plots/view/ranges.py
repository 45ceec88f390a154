"""Axis ranges that follow the data without changing at every point."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

MARGIN = 0.06
"""Free space on each side of the data, as a share of their span."""

LEAST_FILL = 0.5
"""If the data fill less of the axis than this, the range shrinks."""

LARGEST = 1e150
"""Values beyond this are left out: a record that was never set can hold 1e308, and the span of two such is infinite."""

Range = tuple[float, float]


def next_range(current: Range | None, low: float, high: float) -> Range:
    """Return the range for data from `low` to `high`: `current` while they lie inside it and fill half of it.

    A change of range redraws axis and grid, which takes longer than redrawing the data, and distracts the eye.
    """
    # A hysteresis. The range grows as soon as a point lies outside, and shrinks only when the data fill less than half
    # of it. Between the two it stays, whatever each exposure does to the extrema: a range that followed every point
    # would redraw axis, grid and numbers 30 times per second.
    wanted = _with_margin(low, high)
    if current is None:
        return wanted
    inside = current[0] <= low and high <= current[1]
    filled = (wanted[1] - wanted[0]) >= LEAST_FILL * (current[1] - current[0])
    return current if inside and filled else wanted


def joint_range(ranges: Iterable[Range | None]) -> Range | None:
    """Return the range (low, high) that includes all of `ranges`, None without any."""
    known = [found for found in ranges if found is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def value_bounds(values: np.ndarray, sigma: np.ndarray | None) -> Range | None:
    """Return the lowest and highest of the known `values` (points,) with errors up to three times the median error.

    A point with hardly any counts has a huge error, which would compress all other points to a line.
    """
    low = values
    high = values
    if sigma is not None:
        middle = sigma.size // 2
        reach = np.minimum(sigma, 3.0 * np.partition(sigma, middle)[middle])
        low = values - reach
        high = values + reach
    bottom = float(low.min())
    top = float(high.max())
    if bottom > -LARGEST and top < LARGEST:
        return bottom, top
    known = (low > -LARGEST) & (high < LARGEST)
    return (float(low[known].min()), float(high[known].max())) if known.any() else None


def _with_margin(low: float, high: float) -> Range:
    span = high - low
    if span <= 0:
        span = abs(low) or 1.0
    return low - MARGIN * span, high + MARGIN * span
