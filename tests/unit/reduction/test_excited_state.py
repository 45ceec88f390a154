"""If these fail, the spectrum of the excited species has the wrong shape or the wrong error bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.excited_state import excited_state_spectrum

FRACTION = 0.1


def test_mixing_it_back_gives_the_pumped_spectrum(br_energy_scan: Any) -> None:
    spectrum = boxcar_spectrum(accumulate(br_energy_scan().documents(np.random.default_rng(1))))
    excited = excited_state_spectrum(spectrum, FRACTION)
    np.testing.assert_allclose(FRACTION * excited.value + (1 - FRACTION) * spectrum.off, spectrum.on, rtol=1e-12)
    everything = excited_state_spectrum(spectrum, 1.0)
    np.testing.assert_array_equal(everything.value, spectrum.on)
    np.testing.assert_array_equal(everything.sigma, spectrum.on_sigma)


def test_errors_are_those_of_repeated_measurements(br_energy_scan: Any) -> None:
    """Without jet noise, which on and off share: 100 runs of 44 points, scatter over sigma is 1 +- 0.011; 5 sigma.

    The scale of each scan is fluctuating too, by less than 1e-3 of the spectrum, which this leaves out.
    """
    runs = [br_energy_scan(jet=0.0, boxcar_noise_v=3e-3).documents(np.random.default_rng(seed)) for seed in range(100)]
    spectra = [excited_state_spectrum(boxcar_spectrum(accumulate(run)), FRACTION) for run in runs]
    scatter = np.std([spectrum.value for spectrum in spectra], axis=0, ddof=1)
    claimed = np.mean([spectrum.sigma for spectrum in spectra], axis=0)
    assert abs(float(np.sqrt(np.mean((scatter / claimed) ** 2))) - 1.0) < 5 * 0.011


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, float("nan")])
def test_impossible_fractions_are_refused(br_energy_scan: Any, fraction: float) -> None:
    spectrum = boxcar_spectrum(accumulate(br_energy_scan().documents(np.random.default_rng(1))))
    with pytest.raises(ReductionError, match="above 0 and up to 1"):
        excited_state_spectrum(spectrum, fraction)
