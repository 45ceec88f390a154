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


def even_scatter(number: int, gates: int) -> FloatArray:
    """Return numbers with mean 0 and sample variance 1 in place of standard normal ones, shape (number, gates).

    The mean of what they scatter is exact, its variance is as usual, and up to `number` / 2 gates are not correlated:
    each has a cosine of its own frequency.
    """
    if number < 2:
        return np.zeros((number, gates))
    frequencies = 1 + np.arange(gates) % max((number - 1) // 2, 1)
    turns = np.cos(2 * np.pi * np.outer(np.arange(number) + 0.5, frequencies) / number)
    return np.asarray((turns - turns.mean(axis=0)) / turns.std(axis=0, ddof=1))
