"""The linear regime of a fluence scan, and where it ends (paper, SI 3 and Fig. S2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.probabilities import chi_square_tail
from reduction.values import Value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from reduction.types import BoolArray, FloatArray
    from reduction.xas.transient import FluenceScan

LINEAR_TO_MJ_CM2 = 10.0
"""Upper end of the linear regime in the paper, mJ/cm2 (SI 3)."""

LINE_TO_MJ_CM2 = 8.0
"""Upper end of the points to which a line is fitted, mJ/cm2.

It is below the end of the linear regime because saturation sets in gradually: a response that is 2 % below its line at
10 mJ/cm2 lowers a slope fitted up to there by 1.3 %, half of its error in the paper's nine scans, but a slope fitted to
8 mJ/cm2 by only 0.2 %.
"""

_KNEES = 400


class SaturationTest(NamedTuple):
    """Test of whether the points above the linear regime lie on its line.

    `chi_square` of these points about the extrapolated line, including the line's own errors and all correlations, with
    its `degrees_of_freedom` and `p_value` (below 0.001: they do not lie on the line). `deficit`: weighted mean of their
    distances from the line, positive if the signal is below the line. `knee_mj_cm2`: fluence at which a straight line
    turns into a plateau, fitted to all points; `knee_low_mj_cm2` and `knee_high_mj_cm2`: the range in which chi-square
    is less than 1 above its minimum (68 %), infinite if the measured fluences do not bound it.
    """

    chi_square: float
    degrees_of_freedom: int
    p_value: float
    deficit: Value
    knee_mj_cm2: float
    knee_low_mj_cm2: float
    knee_high_mj_cm2: float


@dataclass(frozen=True, kw_only=True)
class FluenceFit:
    """Line transient = intercept + slope x fluence through the points up to `upper_limit_mj_cm2`.

    `slope` in cm2/mJ (relative change of the unpumped signal per mJ/cm2). `intercept` = -slope x the mean of the two
    lowest fluences, because the mean transient of these is 0; its error includes that of the subtraction. `covariance`
    (2, 2) of (intercept, slope). `saturation` is None without points above the linear regime.
    """

    slope: Value
    intercept: Value
    covariance: FloatArray
    chi_square: float
    degrees_of_freedom: int
    upper_limit_mj_cm2: float
    saturation: SaturationTest | None

    def line(self, fluence_mj_cm2: ArrayLike) -> FloatArray:
        """Return the line at any fluences, mJ/cm2, extrapolated above the limit; shape as given."""
        return self.intercept.value + self.slope.value * np.asarray(fluence_mj_cm2, dtype=float)


def fit_fluence(
    scan: FluenceScan, upper_limit_mj_cm2: float = LINE_TO_MJ_CM2, *, scale_to_scatter: bool = False
) -> FluenceFit:
    """Return the line of the linear regime up to `upper_limit_mj_cm2`, and the test for saturation.

    Generalised least squares with the full covariance of the points. The errors are those of `scan.sigma`;
    `scale_to_scatter` multiplies them by the measured scatter between scans over the counting error. Raises
    ReductionError with fewer than three points in the linear regime, or if `scale_to_scatter` is set for a scan without
    scatter.
    """
    covariance = scan.covariance * _scale(scan, asked=scale_to_scatter) ** 2
    linear = scan.fluence_mj_cm2 <= upper_limit_mj_cm2
    above = scan.fluence_mj_cm2 > max(upper_limit_mj_cm2, LINEAR_TO_MJ_CM2)
    if linear.sum() < 3:
        raise ReductionError(
            f"{linear.sum()} fluences lie below {upper_limit_mj_cm2:g} mJ/cm2; a line with an error needs 3. Measure "
            "more, or raise the upper limit."
        )
    fit = _Line.of(scan.fluence_mj_cm2[linear], scan.transient[linear], covariance[np.ix_(linear, linear)])
    errors = fit.weights @ covariance[np.ix_(linear, linear)] @ fit.weights.T
    return FluenceFit(
        slope=Value(fit.values[1], float(np.sqrt(errors[1, 1]))),
        intercept=Value(fit.values[0], float(np.sqrt(errors[0, 0]))),
        covariance=errors,
        chi_square=fit.chi_square,
        degrees_of_freedom=int(linear.sum()) - 2,
        upper_limit_mj_cm2=upper_limit_mj_cm2,
        saturation=_saturation(scan, covariance, linear, above, fit) if above.any() else None,
    )


class _Line(NamedTuple):
    values: FloatArray
    weights: FloatArray
    chi_square: float

    @classmethod
    def of(cls, x: FloatArray, y: FloatArray, covariance: FloatArray) -> _Line:
        """Return values = weights @ y, by generalised least squares with a free intercept.

        The weights have the shape (2, points).
        """
        # The subtracted offset makes the covariance singular: the two lowest points are equal and opposite. But the
        # offset only adds a constant to all points, which the free intercept absorbs. So a large common variance (the
        # trace, in every element) is added before the inversion. It makes the intercept free once more and leaves slope
        # and chi-square those of the points before the subtraction, whose errors are independent.
        factor = scipy.linalg.cho_factor(covariance + np.trace(covariance))
        design = np.column_stack([np.ones_like(x), x])
        weighted = scipy.linalg.cho_solve(factor, design)
        weights = np.asarray(np.linalg.solve(design.T @ weighted, weighted.T), dtype=np.float64)
        residual = y - design @ (weights @ y)
        return cls(weights @ y, weights, float(residual @ scipy.linalg.cho_solve(factor, residual)))


def _scale(scan: FluenceScan, *, asked: bool) -> float:
    if not asked:
        return 1.0
    if scan.scatter is None:
        raise ReductionError(
            "The scatter between scans needs at least two scans. Measure more, or use counting errors."
        )
    return scan.scatter.ratio


def _saturation(
    scan: FluenceScan,
    covariance: FloatArray,
    linear: BoolArray,
    above: BoolArray,
    line: _Line,
) -> SaturationTest:
    # Distance of the points above from the line, as a linear function of all points: identity minus the line's design
    # times its weights. So its covariance contains the line's own error and the correlation with the points below.
    x = scan.fluence_mj_cm2
    operator = np.eye(len(x))[above]
    operator[:, linear] -= np.column_stack([np.ones(above.sum()), x[above]]) @ line.weights
    distance = operator @ scan.transient
    inverse = np.linalg.inv(operator @ covariance @ operator.T)
    chi_square = float(distance @ inverse @ distance)
    total = float(inverse.sum())
    direction = -np.sign(line.values[1]) or 1.0
    return SaturationTest(
        chi_square,
        int(above.sum()),
        chi_square_tail(chi_square, int(above.sum())),
        Value(float(direction * (inverse @ distance).sum() / total), total**-0.5),
        *_knee(x, scan.transient, covariance),
    )


def _knee(x: FloatArray, y: FloatArray, covariance: FloatArray) -> tuple[float, float, float]:
    """Return the best knee and the interval in which chi-square rises by less than 1, all in mJ/cm2."""
    # For a given knee the model is linear, a line in min(x, knee), so chi-square is computed on a grid of knees; a rise
    # of 1 above the minimum bounds 68 % for one parameter. A range that reaches an end of the grid is open there.
    knees = np.linspace(x[1], x[-1], _KNEES)[1:]
    curve = _knee_chi_squares(knees, x, y, covariance)
    inside = np.where(curve <= curve.min() + 1.0)[0]
    low = -np.inf if inside[0] == 0 else float(knees[inside[0]])
    high = np.inf if inside[-1] == len(knees) - 1 else float(knees[inside[-1]])
    return float(knees[int(curve.argmin())]), low, high


def _knee_chi_squares(knees: FloatArray, x: FloatArray, y: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return chi-square of the best line that is constant above each knee.

    One factorisation serves all knees: points and designs are divided by the square root of the covariance, and the
    free intercept is projected out of both; what is left of chi-square is the sum of squares less the part along the
    slope's design.
    """
    root = np.linalg.cholesky(covariance + np.trace(covariance))
    rows = np.vstack([np.ones_like(x), y, np.minimum(x, knees[:, None])])
    whitened = scipy.linalg.solve_triangular(root, rows.T, lower=True).T
    intercept = whitened[0]
    free = whitened - np.outer(whitened @ intercept, intercept) / (intercept @ intercept)
    points = free[1]
    slopes = free[2:]
    return np.asarray(points @ points - (slopes @ points) ** 2 / np.sum(slopes**2, axis=1), dtype=np.float64)
