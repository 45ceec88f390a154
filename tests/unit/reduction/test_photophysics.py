"""If these fail, fluence and absorbed photons are converted wrongly."""

from __future__ import annotations

import pytest

from errors import ReductionError
from reduction.xas.photophysics import photocarriers_per_nanocrystal, photons_per_m2, photothermal_rise_k


def test_paper_numbers_come_out() -> None:
    """About 1000 carriers and 120 K; 8.83 mJ/cm2 of 3.49 eV photons."""
    assert photocarriers_per_nanocrystal() == pytest.approx(988.0)
    assert photothermal_rise_k() == pytest.approx(117.5, abs=0.1)
    assert photons_per_m2(8.83) == pytest.approx(88.3 / (3.49 * 1.602e-19), rel=2e-3)


def test_every_factor_counts_in_its_own_unit() -> None:
    assert photocarriers_per_nanocrystal(volume_m3=2e-24) == pytest.approx(2 * 988.0)
    reference = photothermal_rise_k()
    assert photothermal_rise_k(absorbed_fluence_mj_cm2=14.3) == pytest.approx(2 * reference)
    assert photothermal_rise_k(thickness_um=100.0) == pytest.approx(2 * reference)
    assert photothermal_rise_k(concentration_mg_ml=2.9) == pytest.approx(2 * reference)
    assert photothermal_rise_k(heat_capacity_mj_g_k=430.0) == pytest.approx(reference / 2)
    assert photothermal_rise_k(heat_fraction=0.82) == pytest.approx(2 * reference)


def test_impossible_values_are_refused_by_name() -> None:
    with pytest.raises(ReductionError, match="thickness_um = 0"):
        photothermal_rise_k(thickness_um=0.0)
    with pytest.raises(ReductionError, match="volume_m3"):
        photocarriers_per_nanocrystal(volume_m3=-1.0)
    with pytest.raises(ReductionError, match="wavelength_nm"):
        photons_per_m2(8.8, float("nan"))
