"""Slow fluctuations: an Ornstein-Uhlenbeck process, averaged exactly over each exposure."""

from __future__ import annotations

import math

import numpy as np


class Fluctuation:
    """A Gaussian process with mean 0, standard deviation `sigma` and correlation time `tau_s` (seconds of beam).

    `average` returns its mean over an exposure, drawn jointly with its value at the end, so that the cost of an
    exposure does not depend on its length (Gillespie 1996, Phys. Rev. E 54, 2084, for the joint moments).
    """

    def __init__(self, sigma: float, tau_s: float, rng: np.random.Generator) -> None:
        self._sigma = sigma
        self._tau_s = tau_s
        self._rng = rng
        self.value = sigma * float(rng.standard_normal())
        """Value at the end of the latest exposure; settable, as the generator's state is, to return to a moment."""

    def average(self, duration_s: float) -> float:
        """Return the mean over the next `duration_s` seconds of beam, which follow the last ones directly."""
        # Value at the end and mean over the exposure are jointly Gaussian, given the value at the start. In units of
        # sigma and with k = T / tau, the end has variance 1 - exp(-2k), the mean has the variance below, and their
        # covariance is (1 - exp(-k))^2 / k. The mean is drawn as its regression on the end plus an independent rest, so
        # that consecutive exposures continue each other however long they are.
        k = duration_s / self._tau_s
        if k == 0:
            return self.value
        decay = math.exp(-k)
        lost = -math.expm1(-k)
        end_variance = -math.expm1(-2 * k)
        # Below k = 1e-3 the closed form loses its digits to cancellation; 2k/3 is the first term of its series.
        mean_variance = (2 / k) * (1 - 2 * lost / k + end_variance / (2 * k)) if k > 1e-3 else 2 * k / 3
        covariance = lost**2 / k
        end_draw, mean_draw = (float(draw) for draw in self._rng.standard_normal(2))
        slope = covariance / end_variance
        rest = math.sqrt(max(mean_variance - slope * covariance, 0.0))
        end_noise = math.sqrt(end_variance) * end_draw
        mean = self.value * lost / k + self._sigma * (slope * end_noise + rest * mean_draw)
        self.value = self.value * decay + self._sigma * end_noise
        return mean
