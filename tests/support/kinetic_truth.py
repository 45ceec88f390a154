"""Traces of all gates drawn from true kinetics, which are convolved by quadrature and not by the code under test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reduction.pileup import true_counts, true_counts_variance
from reduction.timing import Timing
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.fitted import KineticsFit

BUNCH_PERIOD_PS, PUMP_PERIOD_PS, SIGMA_PS = 153_400.0, 767_000.0, 45.0
GATES_IN_36_S = int(36 * 1.304e6)
EFFICIENCY = np.array([0.004, -0.006, 0.003, 0.002, 0.0])


def overlap(age_ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the overlap of a 47 um laser spot (FWHM) with a jet that moves 3.07 um from pump to pump."""
    return np.asarray(np.exp(-4 * math.log(2) * (3.07 * age_ps / PUMP_PERIOD_PS / 47.0) ** 2))


OVERLAP = tuple(overlap(np.asarray(PUMP_PERIOD_PS * np.arange(12), np.float64)).tolist())
TIMING = Timing(pump_overlap=OVERLAP)
DELAYS_PS = np.concatenate(
    [
        np.linspace(-500, -150, 5),
        np.linspace(-90, 90, 7),
        np.linspace(110, 260, 10),
        np.geomspace(300, 2400, 28),
        np.geomspace(6e3, 130e3, 10),
    ]
)


@dataclass(frozen=True)
class Truth:
    tau1_ps: float = 120.0
    tau2_ps: float = 900.0
    fraction1: float = 0.60
    fraction2: float = 0.21
    offset_lifetime_ps: float = 400e3
    t0_ps: float = 0.0
    amplitude: float = -0.02

    @property
    def offset(self) -> float:
        return 1.0 - self.fraction1 - self.fraction2

    def one_pump(self, delay_ps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convolved by quadrature over the instrument response, not with the closed form under test."""
        result = np.zeros(delay_ps.shape)
        fractions = (self.fraction1, self.fraction2, self.offset)
        for fraction, tau in zip(fractions, (self.tau1_ps, self.tau2_ps, self.offset_lifetime_ps), strict=True):
            result += fraction * np.vectorize(lambda t, tau=tau: smeared(float(t), tau))(delay_ps)
        return self.amplitude * result

    def signal(self, first_delay_ps: NDArray[np.float64], pumps: int = len(OVERLAP)) -> NDArray[np.float64]:
        """Relative change of all five gates, (points, 5)."""
        delay = first_delay_ps[:, None] - self.t0_ps + np.arange(5) * BUNCH_PERIOD_PS
        total = np.zeros(delay.shape)
        for k in range(pumps):
            age = delay + k * PUMP_PERIOD_PS
            total += overlap(np.maximum(age, 0.0)) * self.one_pump(age)
        return total


def smeared(delay_ps: float, tau_ps: float) -> float:
    top = min(delay_ps, 8 * SIGMA_PS)
    if top <= -8 * SIGMA_PS:
        return 0.0
    if delay_ps > 20 * SIGMA_PS:
        return math.exp(-delay_ps / tau_ps + 0.5 * (SIGMA_PS / tau_ps) ** 2)
    u = np.linspace(-8 * SIGMA_PS, top, 1001)
    response = np.exp(-(u**2) / (2 * SIGMA_PS**2)) / (SIGMA_PS * math.sqrt(2 * math.pi))
    return float(np.trapezoid(response * np.exp((u - delay_ps) / tau_ps), u))


def measure(
    rng: np.random.Generator,
    signal: NDArray[np.float64],
    *,
    delays_ps: NDArray[np.float64] = DELAYS_PS,
    pulses: int = GATES_IN_36_S,
    pumped: bool = True,
) -> GateRates:
    """Two APDs, 0.12 photons per pulse, 1 % jet noise common to the gates of a point."""
    jet = 1.0 + 0.01 * rng.standard_normal((len(signal), 1))
    mu = 0.06 * jet * (1.0 + EFFICIENCY) * (1.0 + signal * pumped)
    counts = rng.binomial(pulses, -np.expm1(-mu), size=(2, *mu.shape))
    opened = np.full(mu.shape, float(pulses))
    return GateRates(
        delay_ps=delays_ps,
        photons=true_counts(counts, opened).sum(axis=0),
        variance=true_counts_variance(counts, opened).sum(axis=0),
        pulses=opened,
        pumped=np.full(len(signal), pumped),
        elapsed_s=np.zeros(len(signal)),
    )


def pulls_of(fit: KineticsFit, truth: Truth) -> list[float]:
    """Pulls of tau1, tau2 (as logarithms, as they are fitted), fraction1, fraction2, offset, t0."""
    logarithms = [
        math.log(value.value / true) / (value.sigma / value.value)
        for value, true in ((fit.tau1_ps, truth.tau1_ps), (fit.tau2_ps, truth.tau2_ps))
    ]
    plain = [
        (value.value - true) / value.sigma
        for value, true in (
            (fit.fraction1, truth.fraction1),
            (fit.fraction2, truth.fraction2),
            (fit.offset, truth.offset),
            (fit.t0_ps, truth.t0_ps),
        )
    ]
    return logarithms + plain
