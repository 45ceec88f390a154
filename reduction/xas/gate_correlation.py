"""Covariance of the boxcar's gates, which its frame does not hold, from the scatter of the transients between scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reduction.values import Value

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray
    from reduction.xas.exposure_pairs import Intensity

LEAST_FREEDOM = 30
"""Degrees of freedom below which the scatter is known to worse than 13 % and proves nothing."""

SIGNIFICANT = 3.0
"""Standard errors from which a correlation is used: below, errors stay those of independent gates."""


def gate_correlation(on: Intensity, off: Intensity, used: BoolArray) -> Value:
    """Return the correlation of the errors of both gates within an exposure, 0 to 1; 0 ± 0 if it cannot be seen.

    `on`, `off` and `used` are (scans, points). The variance of each gate comes from the scatter of its own
    sub-averages, so it contains what the jet does during the exposure. That is the same in both gates and cancels in
    their difference, whose scatter between scans is therefore smaller than both variances together:
    var(on - off) = var on + var off - 2 r sd(on) sd(off). All points together give r. What is common to a point or to a
    scan is taken out first. A correlation below three of its standard errors, or of less than 30 degrees of freedom, is
    0: it would replace measured errors by noise.
    """
    scans = used.any(axis=1)
    points = used[scans].all(axis=0) if scans.any() else np.zeros(used.shape[1], dtype=bool)
    chosen = np.ix_(scans, points)
    freedom = (int(scans.sum()) - 1) * (int(points.sum()) - 1)
    if freedom < LEAST_FREEDOM:
        return Value(0.0, 0.0)
    difference = (on.value - off.value)[chosen]
    residual = difference - difference.mean(axis=0) - difference.mean(axis=1, keepdims=True) + difference.mean()
    # Means over all points: the variances differ little from point to point, and no weight depends on the noise.
    independent = float(np.mean(on.sigma[chosen] ** 2 + off.sigma[chosen] ** 2))
    together = 2.0 * float(np.mean(on.sigma[chosen] * off.sigma[chosen]))
    if not together > 0:
        return Value(0.0, 0.0)
    scatter = float(np.sum(residual**2)) / freedom
    correlation = (independent - scatter) / together
    # The expected scatter of the hypothesis, independent gates, decides about the significance.
    error = independent * float(np.sqrt(2.0 / freedom)) / together
    return Value(min(correlation, 1.0), error) if correlation > SIGNIFICANT * error else Value(0.0, 0.0)


def correlated_difference(on_sigma: FloatArray, off_sigma: FloatArray, correlation: float) -> FloatArray:
    """Return the standard error of on - off, (points,), in their unit, for gates whose errors have a correlation."""
    variance = on_sigma**2 + off_sigma**2 - 2.0 * correlation * on_sigma * off_sigma
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
