"""If these fail, the spectrum of the excited species has the wrong shape or the wrong error bars."""

from __future__ import annotations

from typing import Any

import numpy as np

from reduction.accumulator import accumulate
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.excited_state import excited_state_spectrum

FRACTION = 0.1


def test_errors_are_those_of_repeated_measurements(br_energy_scan: Any) -> None:
    """Without jet noise, which on and off share: 100 runs of 44 points, scatter over sigma is 1 +- 0.011; 5 sigma.

    The scale of each scan is fluctuating too, by less than 1e-3 of the spectrum, which this leaves out.
    """
    runs = [br_energy_scan(jet=0.0, boxcar_noise_v=3e-3).documents(np.random.default_rng(seed)) for seed in range(100)]
    spectra = [excited_state_spectrum(boxcar_spectrum(accumulate(run)), FRACTION) for run in runs]
    scatter = np.std([spectrum.value for spectrum in spectra], axis=0, ddof=1)
    claimed = np.mean([spectrum.sigma for spectrum in spectra], axis=0)
    assert abs(float(np.sqrt(np.mean((scatter / claimed) ** 2))) - 1.0) < 5 * 0.011
