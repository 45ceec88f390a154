"""Gate rates of delay scans with known lifetimes, drawn without a simulated beamline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reduction.timing import Timing
from reduction.xas.gate_rates import GateRates
from reduction.xas.pump_train import PumpTrain

TIMING = Timing(pump_overlap=(1.0, 0.98, 0.93))
DELAYS_PS = np.concatenate(
    [np.linspace(-400, -150, 4), np.linspace(-90, 90, 7), np.linspace(120, 260, 5), np.geomspace(300, 6e3, 14)]
)
ONE = ((1.0, 665.0),)
TWO_OFFSET = ((0.6, 120.0), (0.21, 900.0), (0.19, 400e3))


def traced(
    parts: tuple[tuple[float, float], ...],
    *,
    seed: int | None,
    amplitude: float = 0.06,
    irf_sigma_ps: float = TIMING.irf_sigma_ps,
    timing: Timing = TIMING,
) -> GateRates:
    """Rates of all gates with a signal of these fractions and lifetimes (ps), 36 s of 0.12 photons per pulse.

    The pump rate is that of five bunches, whatever the timing. Without a seed there is no noise; the errors stay.
    """
    train = PumpTrain(period_ps=timing.pump_period_ps, overlap=timing.pump_overlap, sigma_ps=irf_sigma_ps)
    delay = DELAYS_PS[:, None] + np.array(timing.gate_delays_ps)
    signal: NDArray[np.float64] = np.zeros(delay.shape)
    for fraction, lifetime_ps in parts:
        signal += amplitude * fraction * train.decay(delay, 1.0 / lifetime_ps).value
    pulses = 36 * 1.304e6
    expected = 0.12 * pulses * (1.0 + signal)
    photons = expected if seed is None else np.random.default_rng(seed).poisson(expected).astype(float)
    return GateRates(
        delay_ps=DELAYS_PS,
        photons=photons,
        variance=expected,
        pulses=np.full(delay.shape, pulses),
        pumped=np.ones(len(DELAYS_PS), dtype=bool),
        elapsed_s=np.zeros(len(DELAYS_PS)),
    )
