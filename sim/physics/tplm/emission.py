"""Decay of the emission: a prompt exponential that goes over into a power law, and the light of earlier pulses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import zeta

from sim.physics.tplm.sample import Emission
from sim.types import FloatArray


@dataclass(frozen=True, kw_only=True)
class Decay:
    """exp(-t / prompt_ns) up to `join_ns`, and the power law t^-exponent from there; ns throughout.

    Light of the power law comes from excitons that were trapped and freed again, so it has no further diffusion.
    """

    prompt_ns: float
    exponent: float
    join_ns: float

    def at(self, time_ns: FloatArray) -> FloatArray:
        """Return the light per ns at times after the pulse, ns; all of it, to infinity, adds up to 1."""
        tail = self._at_join() * (np.maximum(time_ns, self.join_ns) / self.join_ns) ** -self.exponent
        return np.where(time_ns < self.join_ns, np.exp(-time_ns / self.prompt_ns), tail) / self._total_ns()

    def of_earlier_pulses(self, time_ns: FloatArray, period_ns: float, first: int) -> FloatArray:
        """Return the light per ns left of all pulses that came `first` or more periods before the last one."""
        # sum over k >= first of ((t + k T) / t_join)^-a = (T / t_join)^-a zeta(a, first + t / T), the Hurwitz zeta
        # function. At a = 1.5 the sum itself converges too slowly: 10 000 terms leave 1 % of it.
        scale = self._at_join() * (period_ns / self.join_ns) ** -self.exponent / self._total_ns()
        return np.asarray(scale * zeta(self.exponent, first + time_ns / period_ns))

    def _at_join(self) -> float:
        return float(np.exp(-self.join_ns / self.prompt_ns))

    def _total_ns(self) -> float:
        return self.prompt_ns * (1 - self._at_join()) + self._at_join() * self.join_ns / (self.exponent - 1)


def decay_at(emission: Emission, power_nw: float) -> Decay:
    """Return the decay at a nominal power, nW: faster and steeper at higher power (Fig. 1d, S6)."""
    low = emission.low_power_nw
    high = emission.high_power_nw
    way = np.log(max(power_nw, low) / low) / np.log(high / low)
    way = min(float(way), 1.0)
    return Decay(
        prompt_ns=emission.slow_prompt_ns + (emission.fast_prompt_ns - emission.slow_prompt_ns) * way,
        exponent=emission.low_exponent + (emission.high_exponent - emission.low_exponent) * way,
        join_ns=emission.join_ns,
    )
