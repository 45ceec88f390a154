"""Difference and ratio of two curves, with errors, at the points that both have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from gui.browser.run_curves import RunCurve
from gui.plots.axis import DELAY, ENERGY, FLUENCE, Q, axis_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

JITTER: Mapping[str, float] = {
    ENERGY.column: 0.1,
    DELAY.column: 4.0,
    FLUENCE.column: 0.02,
    Q.column: 1e-6,
}
"""Largest difference of read-backs at one setting between two runs: twice the in-position tolerance (7id.toml).

Bins of Q follow from the geometry and agree to the last digit.
"""

SHARE_OF_STEP = 0.25
"""Largest such difference on the axis of another technique, in units of its smallest step."""

SIGNIFICANT = 3.0
"""A ratio is given only where its denominator is at least this many standard errors from zero."""


def difference(first: RunCurve, second: RunCurve) -> RunCurve:
    """Return first minus second at the common points (points,); errors add in squares, because runs are independent.

    Raises ReductionError if the curves show different quantities or were not measured on the same grid.
    """
    x, a, b = _paired(first, second)
    return replace(first, quantity=f"difference of {first.quantity}", x=x, y=a.y - b.y, sigma=_hypot(a.sigma, b.sigma))


def ratio(first: RunCurve, second: RunCurve) -> tuple[RunCurve, int]:
    """Return first over second with its error, and the number of omitted points.

    Points at which the second curve is zero within errors are omitted.

    sigma^2 = (sigma1^2 + r^2 sigma2^2) / y2^2. Raises ReductionError like `difference`, or if no point is left.
    """
    x, a, b = _paired(first, second)
    floor = SIGNIFICANT * b.sigma if b.sigma is not None else np.zeros_like(b.y)
    kept = np.abs(b.y) > floor
    if not kept.any():
        raise ReductionError(
            f"The second run is zero within {SIGNIFICANT:g} errors at every point, so the ratio is undefined. "
            "Choose the difference, or a curve that is not zero."
        )
    value = a.y[kept] / b.y[kept]
    sigma = None
    if a.sigma is not None and b.sigma is not None:
        sigma = np.hypot(a.sigma[kept], value * b.sigma[kept]) / np.abs(b.y[kept])
    quantity = f"ratio of {first.quantity.split(' (')[0]}"
    return replace(first, quantity=quantity, x=x[kept], y=value, sigma=sigma), int((~kept).sum())


def _paired(first: RunCurve, second: RunCurve) -> tuple[NDArray[np.float64], RunCurve, RunCurve]:
    """Return the mean abscissa (points,) and both curves at their common points."""
    if (first.axis, first.quantity) != (second.axis, second.quantity):
        raise ReductionError(
            f"One run shows {first.quantity} against {_word(first.axis)}, the other {second.quantity} against "
            f"{_word(second.axis)}. Choose two runs of the same kind."
        )
    shorter, longer = (first, second) if len(first.x) <= len(second.x) else (second, first)
    # Read-backs of two runs at one setting differ a little, so points are paired by distance. Each point of the run
    # with fewer points takes the nearest one of the other. That is a pairing only if every partner is within the jitter
    # of the axis and no partner is taken twice; otherwise the grids differ. Nothing is interpolated: the errors of
    # interpolated points would be correlated, and the chi-square of the difference wrong.
    nearest = np.abs(shorter.x[:, None] - longer.x[None, :]).argmin(axis=1)
    tolerance = JITTER.get(first.axis) or SHARE_OF_STEP * float(np.diff(np.sort(shorter.x)).min(initial=np.inf))
    unit = axis_of(first.axis).unit
    apart = np.abs(shorter.x - longer.x[nearest]) > tolerance
    if apart.any() or len(set(nearest.tolist())) < len(nearest):
        where = f"{shorter.x[apart][0]:g} {unit} has no partner" if apart.any() else "two points share a partner"
        raise ReductionError(
            f"The runs were not measured on the same grid ({len(first.x)} and {len(second.x)} points; {where} within "
            f"{tolerance:g} {unit}). Choose runs with the same grid; values are not interpolated."
        )
    of_longer = _taken(longer, nearest)
    pair = (shorter, of_longer) if shorter is first else (of_longer, shorter)
    return (pair[0].x + pair[1].x) / 2, *pair


def _taken(curve: RunCurve, indices: NDArray[np.int64]) -> RunCurve:
    sigma = None if curve.sigma is None else curve.sigma[indices]
    return replace(curve, x=curve.x[indices], y=curve.y[indices], sigma=sigma)


def _hypot(a: NDArray[np.float64] | None, b: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    return None if a is None or b is None else np.hypot(a, b)


def _word(axis: str) -> str:
    return axis.split("_", maxsplit=1)[0]
