"""Axis ranges that follow the data without twitching at every point."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

MARGIN = 0.06
"""Free space on each side of the data, as a share of their span."""

LEAST_FILL = 0.5
"""Data that fill less of the axis than this make it shrink."""

Range = tuple[float, float]


def next_range(current: Range | None, low: float, high: float) -> Range:
    """The range to show data from `low` to `high` in: `current` as long as they lie within it and fill half of it.

    A change redraws axis and grid, which costs more than the data, and makes the eye lose its place.
    """
    wanted = _with_margin(low, high)
    if current is None:
        return wanted
    inside = current[0] <= low and high <= current[1]
    filled = (wanted[1] - wanted[0]) >= LEAST_FILL * (current[1] - current[0])
    return current if inside and filled else wanted


def joint_range(ranges: Iterable[Range | None]) -> Range | None:
    """The range that holds all of `ranges`, None without any."""
    known = [found for found in ranges if found is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def value_bounds(values: np.ndarray, sigma: np.ndarray | None) -> Range | None:
    """Lowest and highest of finite `values`, with their errors up to three times the median error.

    A point with next to no counts has a huge error, which would press everything else into a line.
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
    if np.isfinite(bottom) and np.isfinite(top):
        return bottom, top
    known = np.isfinite(low) & np.isfinite(high)
    return (float(low[known].min()), float(high[known].max())) if known.any() else None


def _with_margin(low: float, high: float) -> Range:
    span = high - low
    if span <= 0:
        span = abs(low) or 1.0
    return low - MARGIN * span, high + MARGIN * span
