"""The comparison parameter C: one number for the shape of a difference spectrum, by light or by heat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.probabilities import normal_quantile, normal_tail
from reduction.values import Value
from reduction.xas.energy_windows import points_within

if TYPE_CHECKING:
    from reduction.types import FloatArray

READBACK_TOLERANCE_EV = 0.1
"""Distance outside a window, eV, within which the read-back of a point may lie and still count."""

_ONE_SIGMA = 1.0 - 2 * normal_tail(1.0)
# The next term of the expansion is the squared relative error of the denominator: 4 % at five errors.
_DELTA_VALID_FROM = 5.0


class ComparisonWindows(NamedTuple):
    """Closed energy intervals (low, high) of the comparison parameter, eV."""

    main_edge_ev: tuple[float, float]
    pre_edge_ev: tuple[float, float]


BR_K = ComparisonWindows((13_471.0, 13_472.0), (13_468.0, 13_469.0))
"""Intervals of the bromine K edge (paper, Figure 3)."""

PB_L3 = ComparisonWindows((13_044.0, 13_047.0), (13_037.0, 13_040.0))
"""Intervals of the lead L3 edge (paper, Figure 3)."""


@dataclass(frozen=True, kw_only=True)
class ComparisonParameter:
    """C = average difference at the main edge / average difference before it, without unit.

    The paper draws 2 C for bromine (Figure 3e); this is C. `sigma`: first-order (delta method) error, to be used if
    `delta_valid`: the denominator is more than five of its errors from 0. `low` and `high`: Fieller's interval of
    `confidence`, exact for normal averages with any denominator. If the denominator may be 0 at that confidence, the
    interval is unbounded, and is given as -inf to inf. `main_edge`, `pre_edge`: the averages.
    """

    value: float
    sigma: float
    low: float
    high: float
    confidence: float
    delta_valid: bool
    main_edge: Value
    pre_edge: Value


def comparison_parameter(
    energy_ev: FloatArray,
    difference: FloatArray,
    covariance: FloatArray,
    windows: ComparisonWindows,
    *,
    confidence: float = _ONE_SIGMA,
) -> ComparisonParameter:
    """Return C of a transient or of a thermal difference (paper, definition of C and Figure 3).

    The ratio of the averages, not the average of ratios, which has no finite error. `difference` (points,);
    `covariance` (points, points) of it, or (points,) errors of independent points. The points of an interval should be
    equally spaced. Raises ReductionError if an interval holds no point or the denominator is exactly 0.
    """
    matrix = np.diag(covariance**2) if covariance.ndim == 1 else covariance
    weights = np.array([_average(energy_ev, window, name) for name, window in windows._asdict().items()])
    main, before = (float(average) for average in weights @ difference)
    (var_main, mixed), (_, var_before) = (weights @ matrix @ weights.T).tolist()
    if before == 0.0:
        raise ReductionError(
            "The average difference in the pre-edge interval is 0, so the parameter C is undefined. Check the spectrum."
        )
    # First order for N / D: var = (var N - 2 C cov(N, D) + C^2 var D) / D^2.
    ratio = main / before
    sigma = math.sqrt(max(var_main - 2 * ratio * mixed + ratio**2 * var_before, 0.0)) / abs(before)
    low, high = _fieller(main, before, var_main, var_before, mixed, normal_quantile(0.5 + confidence / 2))
    return ComparisonParameter(
        value=ratio,
        sigma=sigma,
        low=low,
        high=high,
        confidence=confidence,
        delta_valid=before**2 > _DELTA_VALID_FROM**2 * var_before,
        main_edge=Value(main, math.sqrt(var_main)),
        pre_edge=Value(before, math.sqrt(var_before)),
    )


def comparison_gradient(energy_ev: FloatArray, difference: FloatArray, windows: ComparisonWindows) -> FloatArray:
    """Return the derivative of C with respect to every point of the difference, (points,), in its inverse unit.

    With it errors that two parameters share are propagated. Raises ReductionError as `comparison_parameter` does.
    """
    main, before = (_average(energy_ev, window, name) for name, window in windows._asdict().items())
    level = float(before @ difference)
    if level == 0.0:
        raise ReductionError("The average difference in the pre-edge interval is 0, so C is undefined.")
    return np.asarray((main - float(main @ difference) / level * before) / level)


def change_of_comparison(first: ComparisonParameter, second: ComparisonParameter) -> Value:
    """Return C of the second minus C of the first, with the error under the hypothesis that both are equal.

    For the second, C = N / D, the difference is (N - C1 D) / D. If C equals C1, then N - C1 D is normal with mean 0 for
    any D, so the error is that of N - C1 D over |D|, combined with that of C1. The error of the second C itself is too
    small if noise made D large, and too large if noise made D small: with D known to five errors, differences beyond
    three errors would be found five times too often. The second should be the less certain one. Raises ReductionError
    if its D or its C is 0.
    """
    before = second.pre_edge
    ratio = first.value
    if before.value == 0.0 or second.value == 0.0:
        raise ReductionError("The difference of two parameters C is undefined, as an average is 0. Check the spectrum.")
    # cov(N, D) is not stored; it follows from the error of the second C, (sigma D)^2 = var N - 2 C cov + C^2 var D.
    own = (second.sigma * before.value) ** 2
    mixed = (second.main_edge.sigma**2 + (second.value * before.sigma) ** 2 - own) / (2 * second.value)
    variance = second.main_edge.sigma**2 - 2 * ratio * mixed + (ratio * before.sigma) ** 2
    return Value(second.value - ratio, math.hypot(math.sqrt(max(variance, 0.0)) / before.value, first.sigma))


def _average(energy_ev: FloatArray, window: tuple[float, float], name: str) -> FloatArray:
    wider = (window[0] - READBACK_TOLERANCE_EV, window[1] + READBACK_TOLERANCE_EV)
    inside = points_within(energy_ev, wider, name)
    return np.asarray(inside / inside.sum())


def _fieller(
    top: float, bottom: float, var_top: float, var_bottom: float, mixed: float, width: float
) -> tuple[float, float]:
    """Return the lowest and highest ratio r for which top - r bottom is within `width` errors of 0 (Fieller 1954)."""
    # (top - r bottom)^2 <= width^2 (var_top - 2 r cov + r^2 var_bottom) is quadratic in r. Its leading coefficient is
    # positive only if the denominator is more than `width` errors from 0; otherwise the solutions are unbounded.
    quadratic = bottom**2 - width**2 * var_bottom
    linear = top * bottom - width**2 * mixed
    constant = top**2 - width**2 * var_top
    discriminant = linear**2 - quadratic * constant
    if quadratic <= 0 or discriminant < 0:
        return -math.inf, math.inf
    root = math.sqrt(discriminant)
    return (linear - root) / quadratic, (linear + root) / quadratic
