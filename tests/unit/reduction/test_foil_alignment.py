"""If these fail, the energy axis is calibrated on a point of the foil that is not where the table has it."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ReductionError
from reduction.types import FloatArray
from reduction.xas.calibration import FoilSpectrum, find_edge, read_xdi
from reduction.xas.foil_alignment import align_foil
from tests.support.foil_edges import REAL_FOIL

ENERGY_EV = np.arange(12_990.0, 13_110.0, 1.0)


def lead(energy_ev: FloatArray) -> FloatArray:
    """A metal with a shoulder at 13 035 eV, its steepest point 5.6 eV above, and a structure above the edge."""
    steps = 0.3 * np.arctan((energy_ev - 13_034.5) / 1.8) + 0.7 * np.arctan((energy_ev - 13_040.7) / 1.8)
    return np.asarray(steps / np.pi + 0.06 * np.exp(-(((energy_ev - 13_056.0) / 6.0) ** 2)))


REFERENCE = FoilSpectrum(np.arange(12_980.0, 13_130.0, 0.25), lead(np.arange(12_980.0, 13_130.0, 0.25)))


def measured(shift_ev: float, seed: int, noise: float = 2e-3) -> FoilSpectrum:
    """A thicker foil behind other chambers, on an axis that is `shift_ev` too high."""
    noisy = noise * np.random.default_rng(seed).standard_normal(ENERGY_EV.size)
    return FoilSpectrum(ENERGY_EV, 0.4 + 1e-4 * (ENERGY_EV - 13_000) + 1.3 * lead(ENERGY_EV - shift_ev) + noisy)


def test_the_curve_gives_the_shift_where_the_steepest_point_is_5_ev_off() -> None:
    """On a right axis the steepest point asks for -5.6 eV, which would be added to every energy."""
    foil = measured(0.0, seed=1)
    assert 13_035.0 - find_edge(foil).edge_ev.value == pytest.approx(-5.6, abs=0.3)
    found = align_foil(foil, REFERENCE)
    assert abs(found.shift_ev.value) < 4 * found.shift_ev.sigma < 0.2
    assert found.gain == pytest.approx(1.3, rel=0.02)


def test_shifts_have_the_right_pulls() -> None:
    """60 foils: mean within 4/sqrt(60), width within 4/sqrt(120) of 1; false alarm below 1e-3, seeds fixed."""
    shifts = np.random.default_rng(7).uniform(-6.0, 6.0, 60)
    found = [align_foil(measured(float(shift), seed), REFERENCE).shift_ev for seed, shift in enumerate(shifts)]
    pulls = np.array([(value.value - shift) / value.sigma for value, shift in zip(found, shifts, strict=True)])
    assert abs(pulls.mean()) < 0.52
    assert abs(pulls.std() - 1.0) < 0.37


def test_another_resolution_enlarges_the_error() -> None:
    """Residuals that are alike from point to point are a difference of shape, and not noise that averages out."""
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    blurred = np.convolve(
        np.pad(measured(1.0, seed=3, noise=2e-4).absorption, 9, "edge"), kernel / kernel.sum(), "valid"
    )
    found = align_foil(FoilSpectrum(ENERGY_EV, blurred), REFERENCE)
    assert found.correlation > 2.0
    assert abs(found.shift_ev.value - 1.0) < 3 * found.shift_ev.sigma


def test_another_metal_and_too_few_points_are_refused() -> None:
    far = FoilSpectrum(ENERGY_EV, lead(ENERGY_EV - 30.0))
    with pytest.raises(ReductionError, match="of one metal"):
        align_foil(far, REFERENCE)
    with pytest.raises(ReductionError, match="needs 12"):
        align_foil(FoilSpectrum(ENERGY_EV[::10], lead(ENERGY_EV[::10])), REFERENCE)


@pytest.mark.skipif(not REAL_FOIL.exists(), reason="TRXAS_LEAD_FOIL does not name the file of the foil")
def test_real_lead_is_aligned_to_itself() -> None:
    """The real foil on an axis 2.3 eV too high, with every second point; its steepest point lies at 13 040.64 eV."""
    real = read_xdi(REAL_FOIL)
    moved = FoilSpectrum(real.energy_ev[1::2] + 2.3, 0.8 * real.absorption[1::2] + 0.1)
    reference = FoilSpectrum(real.energy_ev[::2], real.absorption[::2])
    found = align_foil(moved, reference).shift_ev
    assert found.value == pytest.approx(2.3, abs=0.05)
    assert found.sigma < 0.05
