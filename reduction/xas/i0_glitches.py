"""Glitches of the monochromator: energies at which the recorded I0 leaves its smooth curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from reduction.run_kind import Cut
from reduction.xas.robust import TO_SIGMA, column_medians

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray, IntArray

FALSE_ALARMS = 1e-3
"""Largest share of runs with a smooth I0 in which a point is taken for a glitch."""

LEAST_DEPTH = 0.03
"""Relative depth below which a glitch cancels in the division by I0 (chosen)."""

LEAST_POINTS = 20
"""Points that a smooth curve with a known scatter needs."""

WIDEST = 3
"""Neighbouring points of the widest glitch; a longer dip is a loss of beam, or belongs to the optics."""

_BESIDE = 6
"""Points on each side of the local straight line."""

_SIDE = 3
"""Points on each side of a group that show the level there."""

_ROUNDS = 5
_TUKEY = 4.685
_LOCAL_LINE = 1.2
_SMALL_SAMPLE = 18.0
"""Limits are wider by 1.2 + 18 / points: a local line has an error of its own, and the MAD of few points scatters.

Drawn runs keep the rate of false alarms with it.
"""


class Glitches(NamedTuple):
    """Mask of the glitching points in the order of the grid, (points,), the cuts, and remarks on points left in."""

    points: BoolArray
    cuts: tuple[Cut, ...]
    remarks: tuple[str, ...]


def i0_glitches(run: RunAccumulator) -> Glitches:
    """Return the points of an energy scan at which I0 leaves a smooth curve over the energy, up to three in a row.

    I0 is taken per second, relative to its median in each pass, and as the median over the passes: a change with time
    is not in it. A point is a glitch if it is off the curve, and beyond the level on both sides, by more than 3 % and
    by more than the scatter of all points explains. Nothing is found with fewer than 20 points. A point without which
    an interval of the normalisation would be empty is left in, and named.
    """
    energy_ev = run.mean_readback("energy_ev")
    logarithm = _mean_log_i0(run)
    order = np.argsort(energy_ev, kind="stable")
    order = order[np.isfinite(logarithm[order])]
    glitching = np.zeros(energy_ev.size, dtype=bool)
    if order.size >= LEAST_POINTS:
        glitching[order] = off_curve(energy_ev[order], logarithm[order])
    remarks = []
    for low, high in _windows(run):
        inside = np.isfinite(logarithm) & (energy_ev >= low) & (energy_ev <= high)
        if (glitching & inside).any() and (inside & ~glitching).sum() < 2:
            glitching &= ~inside
            remarks.append(
                f"I0 glitches within {low:.10g} to {high:.10g} eV, an interval of the normalisation with too few other "
                "points: these points are left in. Choose another grid."
            )
    smooth = _smooth(energy_ev[order], logarithm[order], ~glitching[order]) if glitching.any() else logarithm[order]
    depth = dict(zip(order.tolist(), np.expm1(logarithm[order] - smooth).tolist(), strict=True))
    found = np.flatnonzero(glitching).tolist()
    cuts = tuple(_cut(run, point, float(energy_ev[point]), depth[point]) for point in found)
    return Glitches(glitching, cuts, tuple(remarks))


def off_curve(x: FloatArray, y: FloatArray) -> BoolArray:
    """Return which points of ln I0 `y` over ascending energies `x` (points,), eV, are glitches."""
    residual = y - _smooth(x, y, np.ones(x.size, dtype=bool))
    scatter = TO_SIGMA * float(np.median(np.abs(residual - np.median(residual))))
    sigmas = (_LOCAL_LINE + _SMALL_SAMPLE / x.size) * -float(scipy.special.ndtri(FALSE_ALARMS / (2 * x.size)))
    limit = max(LEAST_DEPTH, sigmas * scatter)
    beyond = np.abs(residual) > limit
    groups = np.split(np.arange(x.size), np.flatnonzero(np.diff(beyond.astype(int))) + 1)
    # At a step of the flux, the straight line through both sides is off beside it; but there the points lie between
    # the levels of both sides.
    for group in groups:
        if beyond[group[0]] and (group.size > WIDEST or not _beyond_sides(y, group, beyond, limit)):
            beyond[group] = False
    return np.asarray(beyond)


def _beyond_sides(y: FloatArray, group: IntArray, beyond: BoolArray, limit: float) -> bool:
    good = np.flatnonzero(~beyond)
    left = good[good < group[0]][-_SIDE:]
    right = good[good > group[-1]][:_SIDE]
    if not left.size or not right.size:
        return False
    levels = np.median(y[left]), np.median(y[right])
    return bool(np.all(y[group] < min(levels) - limit) or np.all(y[group] > max(levels) + limit))


def _smooth(x: FloatArray, y: FloatArray, used: BoolArray) -> FloatArray:
    """Return a robust straight line through the neighbours of every point, (points,), by Tukey's biweight."""
    width = min(2 * _BESIDE + 1, x.size)
    first = np.clip(np.arange(x.size) - _BESIDE, 0, x.size - width)
    windows = first[:, None] + np.arange(width)
    distance = x[windows] - x[:, None]
    weight = used[windows].astype(float)
    near = y[windows]
    line = _row_medians(np.where(used[windows], near, np.median(y)))
    slope = np.zeros(x.size)
    for _ in range(_ROUNDS):
        residual = near - line[:, None] - slope[:, None] * distance
        scale = TO_SIGMA * _row_medians(np.abs(residual))[:, None] + 1e-9
        robust = weight * np.maximum(1 - (residual / (_TUKEY * scale)) ** 2, 0.0) ** 2
        line, slope = _weighted_line(distance, near, robust, line, slope)
    return line


def _row_medians(table: FloatArray) -> FloatArray:
    """Return the median of every row of a table of known numbers, (rows,) of (rows, columns)."""
    # numpy's median takes twice as long for short rows, and this is called for every frame of a window.
    middle = table.shape[1] // 2
    if table.shape[1] % 2 == 0:
        return np.asarray(np.median(table, axis=1))
    return np.partition(table, middle, axis=1)[:, middle]


def _weighted_line(
    x: FloatArray, y: FloatArray, weight: FloatArray, line: FloatArray, slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the values at x = 0 and the slopes of weighted straight lines, one per row; as before where undefined."""
    total = weight.sum(axis=1)
    safe = np.maximum(total, 1e-30)
    mean_x = (weight * x).sum(axis=1) / safe
    mean_y = (weight * y).sum(axis=1) / safe
    spread = (weight * (x - mean_x[:, None]) ** 2).sum(axis=1)
    known = (total > 2) & (spread > 0)
    found = (weight * (x - mean_x[:, None]) * y).sum(axis=1) / np.where(known, spread, 1.0)
    return np.where(known, mean_y - found * mean_x, line), np.where(known, found, slope)


def _mean_log_i0(run: RunAccumulator) -> FloatArray:
    """Return ln(I0 per second), relative to each pass, the median over the passes, (points,); NaN if not measured."""
    i0 = run.i0.sum(axis=-1)
    seconds = run.exposure_s.sum(axis=-1)
    measured = (i0 > 0) & (seconds > 0)
    rate = np.log(np.where(measured, i0, 1.0) / np.where(measured, seconds, 1.0))
    passes = measured.any(axis=1)
    relative = np.where(measured, rate, np.nan)[passes]
    result = np.full(measured.shape[1], np.nan)
    points = measured.any(axis=0)
    if points.any():
        relative -= column_medians(relative.T)[:, None]
        result[points] = column_medians(relative[:, points])
    return result


def _windows(run: RunAccumulator) -> tuple[tuple[float, float], ...]:
    windows = run.metadata.windows
    return windows.pre_edge_ev, windows.edge_integral_ev, windows.post_edge_ev


def _cut(run: RunAccumulator, point: int, energy_ev: float, depth: float) -> Cut:
    numbers = run.exposure_ids[:, point].ravel()
    return Cut(
        exposure_ids=tuple(int(number) for number in numbers if number >= 0),
        place=f"all passes, {energy_ev:.2f} eV",
        quantity="I0",
        value=100 * (1 + depth),
        unit="% of its smooth curve",
        reason="a glitch of the monochromator",
    )
