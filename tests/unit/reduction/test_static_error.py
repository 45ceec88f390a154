"""If these fail, static spectra and the energies of their features have errors several times too small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.exposure_pairs import exposure_pairs, gates_of
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.static_error import jet_fluctuation, static_sigma


def exact(beam_time: Any) -> Any:
    """The static spectrum without noise, on the scale of the reduction."""
    energy, off = beam_time.points, beam_time.static
    off = off - off[energy <= 13_462].mean()
    return off / off[(energy >= 13_540) & (energy <= 13_571)].mean()


@pytest.mark.parametrize("recipe", [spc_spectrum, boxcar_spectrum])
def test_static_pulls_with_a_jet_that_fluctuates(br_energy_scan: Any, recipe: Any) -> None:
    """12 runs x 44 points with a jet of 2 %; pulls 1 +- 0.12 wide (4 sigma), those of counting alone over 3.

    Seeds fixed; false alarm below 1e-3, the common scale and offset of a run included.
    """
    beam_time = br_energy_scan(scans=4, jet=0.02)
    pulls, plain = [], []
    for seed in range(12):
        run = accumulate(beam_time.documents(np.random.default_rng(seed)))
        spectrum = recipe(run)
        away = spectrum.off - exact(beam_time)
        pulls.append(away / static_sigma(run, spectrum))
        plain.append(away / spectrum.off_sigma)
    assert np.std(plain) > 3.0
    assert np.std(pulls) == pytest.approx(1.0, abs=0.12)


def test_the_fluctuation_of_the_jet_is_found_and_needs_two_scans(br_energy_scan: Any) -> None:
    """4 scans x 44 points: 129 degrees of freedom, so 6 % of the fluctuation; limit of 4 sigma."""
    run = accumulate(br_energy_scan(scans=4, jet=0.02).documents(np.random.default_rng(5)))
    gates = gates_of("unpumped probe", 0, run.metadata.timing)
    assert jet_fluctuation(exposure_pairs(run, "spc", *gates)) == pytest.approx(0.02, rel=0.25)
    single = accumulate(br_energy_scan(scans=1).documents(np.random.default_rng(6)))
    with pytest.raises(ReductionError, match="Measure one more scan"):
        static_sigma(single, spc_spectrum(single))
