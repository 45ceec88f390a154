"""Non-uniform grids: regions of constant step, joined without repeated points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from devices.numbers import is_finite_number
from errors import InputError, OutOfRangeError

MAXIMUM_POINTS = 10_000
"""Largest number of points of one pass; more points are considered a mistake in a step."""

ROUNDING = 6
"""Decimals of a point, 1e-6 eV or ps, so that repeated scans have equal points."""

Region = tuple[float, float, float]
"""Start, stop and step; both ends belong to the region."""


def region_points(region: Region, unit: str) -> list[float]:
    """Return the points of one region; its stop is always included.

    Raises InputError for numbers that are not finite, a reversed region or a step of 0 or below.
    """
    if not isinstance(region, Sequence) or len(region) != 3 or not all(is_finite_number(value) for value in region):
        raise InputError(f"Region {region!r}: give three finite numbers (start, stop, step) in {unit}.")
    start, stop, step = region
    if step <= 0:
        raise InputError(f"Region {region!r}: the step must be above 0 {unit}.")
    if stop <= start:
        raise InputError(f"Region {region!r} is reversed or empty: stop must lie above start ({unit}).")
    steps = (stop - start) / step
    if steps > MAXIMUM_POINTS:
        raise InputError(
            f"Region {region!r} has {steps:g} points, at most {MAXIMUM_POINTS} are allowed. Check the step."
        )
    # A stop that is a whole number of steps away in decimals may be just less in binary, hence the tolerances.
    count = math.floor(steps + 1e-9)
    points = [start + index * step for index in range(count + 1)]
    if stop - points[-1] > 1e-6 * step:
        points.append(stop)
    return points


def join_regions(regions: Sequence[Region], unit: str) -> list[float]:
    """Return the points of all regions in ascending order; a shared border counts once.

    Raises InputError if there is no region or one starts before the last has ended.
    """
    if not isinstance(regions, Sequence) or isinstance(regions, str):
        raise InputError(f"regions = {regions!r}: give a list of regions (start, stop, step) in {unit}.")
    if not regions:
        raise InputError(f"The grid is empty. Give at least one region (start, stop, step) in {unit}.")
    points: list[float] = []
    # Rounded before the borders are compared: the end of one region and the start of the next, reached by other steps,
    # would otherwise differ in the last bits and give a double point.
    for region in regions:
        new = [round(point, ROUNDING) for point in region_points(region, unit)]
        if points and new[0] < points[-1]:
            raise InputError(f"Region {region!r} starts below {points[-1]:g} {unit}, where the previous one ends.")
        points += new[1:] if points and new[0] == points[-1] else new
    return points


def join_points(points_ev: Sequence[float], behind_ev: Sequence[float], edge: str) -> list[float]:
    """Return energies in eV followed by those of regions in k; a shared border counts once.

    Raises InputError if the second ones start below where the first ones end.
    """
    if not behind_ev or not points_ev:
        return [*points_ev, *behind_ev]
    if behind_ev[0] < points_ev[-1]:
        raise InputError(
            f"regions_k starts at {behind_ev[0]:g} eV, below {points_ev[-1]:g} eV where regions_ev ends. k is counted "
            f"from the edge {edge}: raise its start, or end regions_ev earlier."
        )
    return [*points_ev, *(behind_ev[1:] if behind_ev[0] == points_ev[-1] else behind_ev)]


def check_points(points: Sequence[float], *, name: str, low: float, high: float, unit: str) -> list[float]:
    """Return `points` as floats; raise InputError unless they ascend, OutOfRangeError unless within low to high."""
    if not isinstance(points, Sequence | np.ndarray) or isinstance(points, str):
        raise InputError(f"The grid of {name} is {points!r}: give a list of numbers in {unit}.")
    values = list(points)
    if not values:
        raise InputError(f"The grid of {name} is empty. Give at least one point in {unit}.")
    if len(values) > MAXIMUM_POINTS:
        raise InputError(f"The grid of {name} has {len(values)} points, at most {MAXIMUM_POINTS} are allowed.")
    for value in values:
        if not is_finite_number(value):
            raise InputError(f"{name} = {value!r} in the grid is not a finite number. Give values in {unit}.")
        if not low <= value <= high:
            raise OutOfRangeError(name, float(value), low, high, unit, "Change the grid; nothing was moved.")
    # Steps computed in floating point may repeat a border in the last digit: that is one point, not two.
    rounded = [round(float(value), ROUNDING) for value in values]
    if any(later <= earlier for earlier, later in pairwise(rounded)):
        raise InputError(f"The grid of {name} must ascend without repeated points ({unit}). Sort it.")
    return rounded


def log_spaced(first_ps: float, last_ps: float, count: int) -> list[float]:
    """Return `count` delays from `first_ps` to `last_ps`, ps, in equal ratios, rounded to 0.1 ps.

    Raises InputError unless there are at least two, ascending above 0 ps.
    """
    if not (is_finite_number(first_ps) and is_finite_number(last_ps) and 0 < first_ps < last_ps and count >= 2):
        raise InputError(
            f"A logarithmic part of {count} delays from {first_ps} to {last_ps} ps: both must ascend above 0 ps, "
            "and there must be at least 2 delays."
        )
    return [round(float(value), 1) for value in np.geomspace(first_ps, last_ps, count)]
