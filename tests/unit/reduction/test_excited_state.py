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


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, float("nan")])
def test_impossible_fractions_are_refused(br_energy_scan: Any, fraction: float) -> None:
    spectrum = boxcar_spectrum(accumulate(br_energy_scan().documents(np.random.default_rng(1))))
    with pytest.raises(ReductionError, match="above 0 and up to 1"):
        excited_state_spectrum(spectrum, fraction)
