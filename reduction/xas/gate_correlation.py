"""Correlation of the boxcar's gates: as its frames state it, or from the scatter of the transients between scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reduction.values import Value

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray
    from reduction.xas.exposure_pairs import ExposurePairs, Intensity

BLOCKS = 64
"""Sub-averages of an exposure from which a boxcar takes covariances, for the error of a correlation (chosen)."""

LEAST_FREEDOM = 30
"""Degrees of freedom below which the scatter is known to worse than 13 % and proves nothing."""

SIGNIFICANT = 3.0
"""Standard errors from which a correlation is used: below, errors stay those of independent gates."""


def recorded_correlation(pairs: ExposurePairs) -> Value | None:
    """Return the mean correlation of the errors of both gates, -1 to 1; None if the frames do not state it."""
    if not pairs.covariance.any():
        return None
    used = pairs.paired
    scale = float(np.sqrt(pairs.on.variance * pairs.off.variance)[used].sum())
    found = float(pairs.covariance[used].sum()) / scale
    return Value(found, float((1.0 - found**2) / np.sqrt((BLOCKS - 1) * used.sum())))


def common_share(run: RunAccumulator, shutter: int) -> float:
    """Return the mean correlation of all gates of the boxcar, 0 to 1, which is common to them; 0 if not recorded."""
    probes = range(run.metadata.timing.probes_per_pump)
    pairs = [(first, second) for first in probes for second in probes if first < second]
    together = sum(float(run.boxcar_integral_covariance(*pair)[:, :, shutter].sum()) for pair in pairs)
    variance = run.boxcar_integral_variance[:, :, shutter]
    scale = sum(float(np.sqrt(variance[..., first] * variance[..., second]).sum()) for first, second in pairs)
    return float(np.clip(together / scale, 0.0, 1.0)) if scale > 0 else 0.0


def gate_correlation(on: Intensity, off: Intensity, used: BoolArray) -> Value:
    """Return the correlation of the errors of both gates within an exposure, 0 to 1; 0 ± 0 if it cannot be seen.

    `on`, `off` and `used` have the shape (scans, points). The variance of each gate comes from the scatter of its own
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
    # The expected scatter of the hypothesis, independent gates, determines the significance.
    error = independent * float(np.sqrt(2.0 / freedom)) / together
    return Value(min(correlation, 1.0), error) if correlation > SIGNIFICANT * error else Value(0.0, 0.0)


def correlated_difference(on_sigma: FloatArray, off_sigma: FloatArray, correlation: FloatArray | float) -> FloatArray:
    """Return the standard error of on - off, in the shape and unit of both errors, which have a correlation."""
    variance = on_sigma**2 + off_sigma**2 - 2.0 * correlation * on_sigma * off_sigma
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
