"""Energy x delay maps drawn with known spectra: counts of all gates, for the statistical benchmarks."""

from __future__ import annotations

import numpy as np

from reduction.xas.pump_train import PumpTrain
from reduction.xas.transient_map import TransientMap
from trxas.benchmarks.drawn_runs import GATES, JET, TIMING

ENERGY_EV = np.linspace(13_458.0, 13_486.0, 15)
DELAY_PS = np.array([-400.0, -200.0, -60.0, 0.0, 60.0, 130.0, 250.0, 500.0, 1_000.0, 2_500.0, 8_000.0, 30_000.0])
LIFETIMES_PS = (150.0, 400e3)
"""Lifetimes of the decay and of the offset."""

SPECTRA = np.array(
    [
        -0.04 * np.exp(-(((ENERGY_EV - 13_472.0) / 5.0) ** 2)),
        0.012 * np.exp(-(((ENERGY_EV - 13_478.0) / 8.0) ** 2)),
    ]
)
"""Amplitudes of both relative to the unpumped signal, (components, energies)."""

PHOTONS = 3e6
"""Photons of a gate per point behind the edge."""


def drawn_map(seed: int) -> TransientMap:
    """Return a map of Poisson counts of all gates, shape (energies, delays), in a jet that fluctuates."""
    random = np.random.default_rng([seed, 4])
    train = PumpTrain(period_ps=TIMING.pump_period_ps, overlap=TIMING.pump_overlap, sigma_ps=TIMING.irf_sigma_ps)
    times_ps = DELAY_PS[:, None] + np.array(TIMING.gate_delays_ps)
    decays = np.array([train.decay(times_ps, 1.0 / tau).value for tau in LIFETIMES_PS])
    signal = np.einsum("ke,ktg->etg", SPECTRA, decays)
    static = 0.3 + 0.7 / (1.0 + np.exp(-(ENERGY_EV - 13_468.0) / 2.0))
    # One thickness of the jet per exposure, common to all of its gates.
    jet = 1.0 + JET * random.standard_normal(signal.shape[:2])
    photons = random.poisson(PHOTONS * static[:, None, None] * jet[..., None] * (1.0 + signal)).astype(float)
    pumped, *later, unpumped = (photons[..., gate] for gate in range(GATES))
    return TransientMap.of_counts(ENERGY_EV, DELAY_PS, pumped, unpumped, later)
