"""Counts of the timing electronics, exact in distribution at a cost that does not depend on the number of pulses."""

from __future__ import annotations

import math

import numpy as np

from sim.physics.tplm.poisson import poisson_counts
from sim.types import FloatArray, IntArray

FULL_CHANNEL = 65_535
"""Highest count of a channel of 16 bits; further photons are lost."""

SPARE_SIGMAS = 3.0
"""Shortfall of the first draw of photons, in standard deviations of the total."""


def blocked_pulses(dead_time_ns: float, period_ns: float) -> int:
    """Return how many of the pulses after a registered photon find the electronics still busy."""
    return max(math.ceil(dead_time_ns / period_ns) - 1, 0)


def draw(rng: np.random.Generator, expected: FloatArray, *, sync_pulses: int, blocked: int = 0) -> IntArray:
    """Draw the histogram of `sync_pulses` pulses, (channels,) counts, for `expected` photons per pulse and channel.

    The first photon of a pulse is the only one registered (pile-up), and `blocked` pulses after it are ignored (dead
    time). A channel stops at 65 535.
    """
    # The first photon falls into channel k with p_k = exp(-sum_{j<k} l_j) (1 - exp(-l_k)). Given how many photons are
    # registered at all, the channels are multinomial with p_k / p, with or without dead time, because a dead time in
    # whole pulses does not prefer a channel.
    reached = -np.expm1(-np.cumsum(expected))
    some = float(reached[-1])
    registered = _registered(rng, some, sync_pulses, blocked)
    if registered == 0:
        return np.zeros(len(expected), dtype=np.int64)
    reached /= some
    return np.minimum(_spread(rng, registered, np.diff(reached, prepend=0.0), reached), FULL_CHANNEL)


def _registered(rng: np.random.Generator, probability: float, sync_pulses: int, blocked: int) -> int:
    """Draw how many pulses give a photon, each of which blocks the next `blocked` pulses."""
    # Between two photons lie `blocked` pulses and a geometric number of free ones. For such a renewal process the mean
    # is N p q and the variance N p (1 - p) q^3 with q = 1 / (1 + m p). A binomial number with these two moments is
    # exact without dead time (q = 1), and indistinguishable for the millions of pulses of an exposure.
    if probability <= 0 or sync_pulses <= 0:
        return 0
    free = 1 / (1 + blocked * probability)
    apparent = 1 - (1 - probability) * free**2
    trials = round(sync_pulses * probability * free / apparent)
    return int(rng.binomial(trials, min(apparent, 1.0)))


def _spread(rng: np.random.Generator, photons: int, probability: FloatArray, reached: FloatArray) -> IntArray:
    """Distribute photons over channels, multinomially with probabilities of sum 1, whose running sum is `reached`."""
    # Independent Poisson counts are faster than a multinomial draw. Given their sum they are multinomial, and they stay
    # so when the photons that are missing from the total are added one by one. The mean is lowered by three standard
    # deviations of the sum, so that too many are drawn once in 700 times; the draw is repeated then, which changes
    # nothing in the distribution, since every sum that is accepted leads to the same one.
    mean = max(photons - SPARE_SIGMAS * math.sqrt(photons), 0.0)
    while True:
        counts = poisson_counts(rng, mean * probability)
        missing = photons - int(counts.sum())
        if missing >= 0:
            break
    # Sorted places are found several times faster; sums of exponential steps are sorted uniform numbers.
    steps = np.cumsum(rng.standard_exponential(missing + 1))
    places = np.searchsorted(reached, steps[:-1] / steps[-1], side="right")
    np.add.at(counts, np.minimum(places, len(counts) - 1), 1)
    return counts
