"""Dwells that differ along a grid: factors of the dwell, one for each region or for each point."""

from __future__ import annotations

from collections.abc import Sequence

from devices.numbers import is_finite_number
from errors import InputError, OutOfRangeError

LOWEST = 0.01
HIGHEST = 100.0
"""Range of a factor; a value beyond it means that a grid with fewer points is wanted."""

_BORDER = 1e-6


def multiplied(dwell_s: float, factor: float) -> float:
    """Return a dwell, s, times the factor of a point, in whole milliseconds."""
    return round(dwell_s * factor, 3)


def factors_of_points(
    points: Sequence[float], ends: Sequence[float], factors: Sequence[float] | None, *, has_until: bool = False
) -> tuple[float, ...]:
    """Return a factor of the dwell for each of the ascending `points`, without unit; empty without `factors`.

    There is a factor for each point, or for each region of the grid. `ends`: where the regions end, ascending, in the
    unit of the points; empty for a grid without regions. A point on the border of two belongs to the first.
    `has_until`: whether the run chooses its points itself. Raises InputError for another number of factors or such a
    run, and OutOfRangeError for a factor outside its range.
    """
    if not factors:
        return ()
    if has_until:
        raise InputError("dwell_factors with until_sigma: such a scan chooses its beam times itself. Give one of them.")
    for factor in factors:
        if not is_finite_number(factor):
            raise InputError(f"dwell_factors: {factor!r} is not a number. Give numbers from {LOWEST:g} to {HIGHEST:g}.")
        if not LOWEST <= factor <= HIGHEST:
            raise OutOfRangeError("dwell_factors", factor, LOWEST, HIGHEST, "")
    if len(factors) == len(points):
        return tuple(float(factor) for factor in factors)
    if len(factors) != len(ends):
        regions = f"{len(ends)}, one for each region, or " if ends else ""
        raise InputError(
            f"dwell_factors has {len(factors)} numbers. Give {regions}{len(points)}, one for each point of the grid."
        )
    return tuple(
        float(factors[next((place for place, end in enumerate(ends) if point <= end + _BORDER), len(ends) - 1)])
        for point in points
    )
