"""The slow truth: every X-ray pulse on its own. Nothing here is taken from the fast drawing it checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.physics.detectors import Boxcar

BUNCHES, PROBES = 24, 5
PERIODS, REPEATS = 64, 400


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


def bright_photons() -> NDArray[np.float64]:
    """Return mean photons, (apd, probe, bunch), that are many and uneven: pile-up and bunch charges matter."""
    rng = np.random.default_rng(5)
    return np.asarray(0.6 * (1 + 0.3 * rng.random((2, PROBES, BUNCHES))))


def counted_periods(photons: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the counts, (repeat, apd, probe), and mean volts, (repeat, probe), of many exposures."""
    rng = np.random.default_rng(1)
    runs = [count_pulse_by_pulse(photons, PERIODS, 3, Boxcar(), rng) for _ in range(REPEATS)]
    return np.array([run.counts for run in runs]), np.array([run.volts / run.pulses for run in runs])
