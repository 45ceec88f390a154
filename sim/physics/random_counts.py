"""Random numbers that can be replaced by their means: a campaign without noise shows what effects do."""

from __future__ import annotations

import numpy as np

from sim.types import FloatArray, IntArray


def poisson(mean: float, noise: float, rng: np.random.Generator) -> int:
    """Return a Poisson number of the given mean, or the mean itself, rounded, without noise."""
    return int(rng.poisson(mean)) if noise else round(mean)


def binomials(trials: IntArray, probability: FloatArray, noise: float, rng: np.random.Generator) -> IntArray:
    """Return binomial numbers, in the common shape of both arrays, or their means, rounded, without noise."""
    if noise:
        return np.asarray(rng.binomial(trials, probability))
    return np.asarray(np.rint(trials * probability), dtype=np.int64)


def even_scatter(number: int) -> FloatArray:
    """Return numbers with mean 0 and sample variance 1 in place of `number` standard normal ones, (number,).

    They take turns at +1 and -1, so that the mean of what they scatter is exact and its variance as usual.
    """
    turns = np.where(np.arange(number) % 2, -1.0, 1.0)
    return np.asarray((turns - turns.mean()) / turns.std(ddof=1)) if number > 1 else np.zeros(number)
