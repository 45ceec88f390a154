"""Decays after a periodic train of pumps, convolved with a Gaussian instrument response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import log_ndtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_GUARD_IN_SIGMA = 10.0
_PEAK_OF_NORMAL = 1.0 / np.sqrt(2.0 * np.pi)


class Decay(NamedTuple):
    """A decay at some delays (each of their shape), with its derivatives for the Jacobian of a fit.

    `value` has no unit; `by_delay` is its derivative in 1/ps, `by_rate` its derivative by the decay rate in ps.
    """

    value: NDArray[np.float64]
    by_delay: NDArray[np.float64]
    by_rate: NDArray[np.float64]


def convolved_decay(delay_ps: ArrayLike, rate_per_ps: float, sigma_ps: float) -> Decay:
    """exp(-k t) for t > 0 and 0 before, convolved with a normalised Gaussian of width `sigma_ps` > 0.

    The convolution is exp(k^2 s^2 / 2 - k t) Phi(t/s - k s), with Phi the normal distribution function. Its factors
    overflow on their own, so they are joined as logarithms: no delay and no rate >= 0 overflows. A rate of 0 gives
    the error-function step.
    """
    delay = np.asarray(delay_ps, dtype=float)
    reduced = delay / sigma_ps
    smear = rate_per_ps * sigma_ps
    value = np.exp(smear**2 / 2.0 - rate_per_ps * delay + log_ndtr(reduced - smear))
    normal = np.exp(-(reduced**2) / 2.0) * _PEAK_OF_NORMAL
    return Decay(
        value,
        normal / sigma_ps - rate_per_ps * value,
        (smear * sigma_ps - delay) * value - sigma_ps * normal,
    )


@dataclass(frozen=True)
class PumpTrain:
    """Pumps that repeat every `period_ps` and hit the probed spot with the intensities `overlap`.

    `overlap[k]` is the laser intensity, relative to the pump itself, that the probed spot saw from the k-th earlier
    pump. `sigma_ps` is the Gaussian instrument response.
    """

    period_ps: float
    overlap: tuple[float, ...]
    sigma_ps: float

    def decay(self, delay_ps: ArrayLike, rate_per_ps: float) -> Decay:
        """Sum over k of overlap[k] D(t + k period), D the convolved decay; shapes as `delay_ps`.

        Before the pump (t < 0) this is what the earlier pumps have left. A delay that reaches the next pump is
        counted from that one, within ten instrument widths of it already, so that its rising edge is kept.
        """
        delay = self._since_latest_pump(np.asarray(delay_ps, dtype=float))
        steps = np.arange(len(self.overlap)) * self.period_ps
        terms = convolved_decay(delay[..., None] + steps, rate_per_ps, self.sigma_ps)
        weights = np.asarray(self.overlap)
        return Decay(terms.value @ weights, terms.by_delay @ weights, terms.by_rate @ weights)

    def _since_latest_pump(self, delay: NDArray[np.float64]) -> NDArray[np.float64]:
        passed = np.floor((delay + _GUARD_IN_SIGMA * self.sigma_ps) / self.period_ps)
        return delay - self.period_ps * np.maximum(passed, 0.0)
