"""Decays after a periodic train of pumps, convolved with a Gaussian instrument response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from reduction.types import FloatArray

# A Gaussian has fallen to 1e-23 at ten widths, so no part of a rising edge is cut off.
_GUARD_IN_SIGMA = 10.0
# Nine widths after the edge a normal distribution function is 1 within 1e-19, less than double precision resolves.
_EDGE_IN_SIGMA = 9.0
_PEAK_OF_NORMAL = 1.0 / np.sqrt(2.0 * np.pi)


class Decay(NamedTuple):
    """A decay at some delays (each of their shape), with its derivatives for the Jacobian of a fit.

    `value` has no unit; `by_delay` and `by_sigma` are its derivatives with respect to the delay and to the width of the
    instrument response in 1/ps, `by_rate` is its derivative with respect to the decay rate in ps.
    """

    value: FloatArray
    by_delay: FloatArray
    by_rate: FloatArray
    by_sigma: FloatArray


def convolved_decay(delay_ps: ArrayLike, rate_per_ps: float, sigma_ps: float) -> Decay:
    """Return exp(-k t) for t > 0 and 0 before, convolved with a normalised Gaussian of width `sigma_ps` > 0.

    The convolution is exp(k^2 s^2 / 2 - k t) Phi(t/s - k s), with Phi the normal distribution function. Its factors
    overflow on their own, so they are joined as logarithms: no delay and no rate >= 0 overflows. A rate of 0 gives
    the error-function step.
    """
    delay = np.asarray(delay_ps, dtype=float)
    smear = rate_per_ps * sigma_ps
    edge = np.asarray(delay < (_EDGE_IN_SIGMA + smear) * sigma_ps)
    time = delay[edge]
    reduced = time / sigma_ps
    # Long after the edge the response only scales the exponential. Nearly all delays lie there, those since earlier
    # pumps above all, so the functions of the edge are computed for the others only.
    value = np.empty_like(delay)
    value[~edge] = np.exp(smear**2 / 2.0 - rate_per_ps * delay[~edge])
    value[edge] = np.exp(smear**2 / 2.0 - rate_per_ps * time + scipy.special.log_ndtr(reduced - smear))
    # The derivative of exp(k^2 s^2 / 2 - k t) Phi(t/s - k s) with respect to t: the exponential gives -k x value, and
    # Phi gives the normal density at t/s - k s, whose product with the exponential is the density at t/s.
    normal = np.zeros_like(delay)
    normal[edge] = np.exp(-(reduced**2) / 2.0) * _PEAK_OF_NORMAL
    by_delay = np.asarray(normal / sigma_ps - rate_per_ps * value)
    # A Gaussian that becomes wider obeys the heat equation, so the derivative with respect to its width is the width
    # times the second derivative with respect to the delay.
    second = np.asarray(-rate_per_ps * by_delay)
    second[edge] -= reduced * normal[edge] / sigma_ps**2
    return Decay(value, by_delay, (smear * sigma_ps - delay) * value - sigma_ps * normal, sigma_ps * second)


@dataclass(frozen=True, kw_only=True)
class PumpTrain:
    """Pumps that repeat every `period_ps` and hit the probed spot with the intensities `overlap`.

    `overlap[k]` is the laser intensity, relative to the pump itself, that the spot probed with the pump saw from the
    k-th earlier pump. A spot that is probed later has moved: between two pumps the logarithm of the intensity follows
    the square of the time since the pump, which is exact for a Gaussian laser spot and a jet of constant speed. By the
    last probe the spot has lost 1 % of its own pump's light, and 3 % of the earlier pump's. `sigma_ps` is the Gaussian
    instrument response.
    """

    period_ps: float
    overlap: tuple[float, ...]
    sigma_ps: float

    def decay(self, delay_ps: ArrayLike, rate_per_ps: float) -> Decay:
        """Return the sum over k of w(t + k period) D(t + k period), D the convolved decay, w the overlap.

        Shapes are those of `delay_ps`. Before the pump (t < 0) the sum is the remainder from earlier pumps. A delay
        within ten instrument widths of the next pump, or after it, is counted from that pump, to include its rising
        edge.
        """
        return self.decays(delay_ps, [rate_per_ps])[0]

    def decays(self, delay_ps: ArrayLike, rates_per_ps: Sequence[float]) -> list[Decay]:
        """Return `decay` for several rates, 1/ps; they share the overlap, which takes longest to compute.

        Each has the shape of `delay_ps`, delays in ps.
        """
        delay = self._since_latest_pump(np.asarray(delay_ps, dtype=float))
        age = delay[..., None] + np.arange(len(self.overlap)) * self.period_ps
        weight, slope = self._overlap_at(age)
        found = []
        for rate in rates_per_ps:
            terms = convolved_decay(age, rate, self.sigma_ps)
            found.append(
                Decay(
                    (weight * terms.value).sum(axis=-1),
                    (weight * terms.by_delay + slope * terms.value).sum(axis=-1),
                    (weight * terms.by_rate).sum(axis=-1),
                    (weight * terms.by_sigma).sum(axis=-1),
                )
            )
        return found

    def _overlap_at(self, age_ps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the overlap at a time since a pump, 1 before the pump, and its derivative in 1/ps."""
        if len(self.overlap) == 1:
            return np.ones_like(age_ps), np.zeros_like(age_ps)
        # Between pump n and n + 1 the logarithm is linear in the square of the time (in pump periods), and equals that
        # of `overlap` at both ends; the difference of the squares is 2 n + 1. An overlap of 0 has no logarithm, so the
        # smallest number stands for it. Beyond the last known pump the last slope continues.
        logarithm = np.log(np.maximum(self.overlap, np.finfo(float).tiny))
        pumps = np.maximum(age_ps / self.period_ps, 0.0)
        before = np.minimum(pumps.astype(int), len(self.overlap) - 2)
        per_square = (np.diff(logarithm) / (2 * np.arange(len(self.overlap) - 1) + 1))[before]
        weight = np.exp(logarithm[before] + (pumps**2 - before**2) * per_square)
        return weight, weight * per_square * 2.0 * pumps / self.period_ps

    def _since_latest_pump(self, delay: FloatArray) -> FloatArray:
        passed = np.floor((delay + _GUARD_IN_SIGMA * self.sigma_ps) / self.period_ps)
        return delay - self.period_ps * np.maximum(passed, 0.0)
