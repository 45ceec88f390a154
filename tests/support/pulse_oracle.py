"""The slow truth: every X-ray pulse on its own. Nothing here is taken from the fast drawing it checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.physics.detectors import Boxcar

BUNCHES, PROBES = 24, 5


@dataclass
class PulseCounts:
    """Fired gates (apd, probe), gates opened (probe,), summed boxcar volts (probe,)."""

    counts: NDArray[np.int64]
    pulses: NDArray[np.int64]
    volts: NDArray[np.float64]


def count_pulse_by_pulse(
    mean_photons: NDArray[np.float64], periods: int, first_bunch: int, boxcar: Boxcar, rng: np.random.Generator
) -> PulseCounts:
    """Follow `periods` pump periods; `mean_photons` (apd, probe, bunch) per pulse."""
    apds = len(mean_photons)
    result = PulseCounts(np.zeros((apds, PROBES), int), np.zeros(PROBES, int), np.zeros(PROBES))
    for period in range(periods):
        for probe in range(PROBES):
            bunch = (first_bunch + 5 * period + probe) % BUNCHES
            photons = [int(rng.poisson(mean_photons[apd, probe, bunch])) for apd in range(apds)]
            result.pulses[probe] += 1
            for apd, number in enumerate(photons):
                result.counts[apd, probe] += number > 0
            heights = [rng.gamma(1 / boxcar.height_variance, boxcar.height_variance) for _ in range(sum(photons))]
            signal = sum(heights) + boxcar.noise_photons * rng.normal()
            result.volts[probe] += boxcar.baseline_v + boxcar.volts_per_photon * signal
    return result
