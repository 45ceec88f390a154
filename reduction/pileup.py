"""Pile-up correction: the photons behind the counts of gates that register at most one photon per pulse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from reduction.types import FloatArray

ZERO_COUNT_VARIANCE = 0.5
"""Variance given to a gate that counted nothing.

The binomial variance at n = 0 is zero, an infinite weight. Half a count (the Jeffreys posterior mean of a Poisson
rate after no events) keeps the weight finite; it is used at n = 0 only, because adding it to every count would make
all pulls too narrow.
"""


def true_counts(counts: ArrayLike, pulses: ArrayLike) -> FloatArray:
    """Return the photons that hit the detector, from `counts` of `pulses` opened gates (shapes broadcast).

    A gate counts at most once, so it stays empty with the Poisson probability exp(-mu); with n counts in N gates
    mu = -ln(1 - n/N) and the photons are n_true = N mu = -N ln(1 - n/N) (paper SI 4 and 5; experiment.md, Detection).
    No gates give no photons. Raises ReductionError if a gate counted at every pulse or the counts are impossible.
    """
    counts, pulses = _checked(counts, pulses)
    return -pulses * np.log1p(-_probability(counts, pulses))


def true_counts_variance(counts: ArrayLike, pulses: ArrayLike) -> FloatArray:
    """Return the variance of `true_counts`, photons squared.

    n is binomial with p = n/N, so var(n) = N p (1 - p). With d n_true / d n = 1 / (1 - p), first-order propagation
    (the delta method) gives var(n_true) = N p (1 - p) / (1 - p)^2 = N p / (1 - p), which becomes the paper's
    sqrt(counts) for small p. At n = 0 it is `ZERO_COUNT_VARIANCE`. Raises the same errors as `true_counts`.
    """
    counts, pulses = _checked(counts, pulses)
    # In counts: N p / (1 - p) = n N / (N - n), the binomial variance n (N - n) / N times the slope squared, so the
    # variance grows faster than the photons: a gate that counts at 63 % of the pulses has 1.7 times the Poisson value.
    probability = _probability(counts, pulses)
    return np.where(counts == 0, ZERO_COUNT_VARIANCE, pulses * probability / (1.0 - probability))


def _checked(counts: ArrayLike, pulses: ArrayLike) -> tuple[FloatArray, FloatArray]:
    counts, pulses = np.broadcast_arrays(np.asarray(counts, dtype=float), np.asarray(pulses, dtype=float))
    if not (np.all(counts >= 0) and np.all(counts <= pulses)):
        raise ReductionError(
            "Gate counts must lie between 0 and the number of opened gates. Check that counts and pulses come from "
            "the same exposure and gate."
        )
    if np.any((counts == pulses) & (pulses > 0)):
        raise ReductionError(
            "A gate is saturated: it counted at every pulse, so its photons cannot be inferred; fewer counts than "
            "pulses are needed. Attenuate the X-rays or move the detector back, and repeat the exposure."
        )
    return counts, pulses


def _probability(counts: FloatArray, pulses: FloatArray) -> FloatArray:
    return np.divide(counts, pulses, out=np.zeros(counts.shape), where=pulses > 0)
