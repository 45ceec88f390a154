"""If these fail, weak transients look larger than they are, or equal shapes are reported as different."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from errors import ReductionError
from reduction.run_metadata import EnergyWindows
from reduction.xas.energy_windows import edge_integral, points_within
from reduction.xas.exposure_pairs import Intensity
from reduction.xas.spc_energy import _scaled
from reduction.xas.static_xas import SpectrumPoints, normalisation
from reduction.xas.transient import INDEPENDENT, Spectrum, curves_of
from reduction.xas.transient_shape import area_without_noise, compare_shapes, transient_covariance
from tests.support.shaped_transients import DRAWS, GRID_EV, PEAKS, SIGMA, STATIC, drawn

WINDOWS = EnergyWindows(
    pre_edge_ev=(13_450.0, 13_461.0), edge_integral_ev=(13_462.0, 13_570.0), post_edge_ev=(13_530.0, 13_570.0)
)


def area_without_errors(spectrum: Spectrum) -> float:
    return area_without_noise(spectrum, WINDOWS, spectrum).raw.value


def test_area_is_relative_to_the_edge_integral() -> None:
    """The paper's factors (155, 363, 976) are 1/area on this scale, and far from it on any other."""
    fine = np.arange(13_450.0, 13_570.01, 0.01)
    static = 1.0 / (1.0 + np.exp(-(fine - 13_470.0) / 1.2))
    transient = sum(height * np.exp(-(((fine - centre) / width) ** 2)) for centre, width, height in PEAKS)
    exact = np.trapezoid(np.abs(transient), fine) / np.trapezoid(static[fine >= 13_462.0], fine[fine >= 13_462.0])
    spectrum = drawn(None, 1.0, 1e-9)
    found = area_without_noise(spectrum, WINDOWS, spectrum)
    assert found.raw.value == pytest.approx(float(exact), rel=0.02)
    assert found.inverse_raw.value == pytest.approx(1 / float(exact), rel=0.02)
    curves = {
        name: 3 * getattr(spectrum, name) for name in ("on", "on_sigma", "off", "off_sigma", "transient", "sigma")
    }
    assert area_without_errors(replace(spectrum, **curves)) == pytest.approx(found.raw.value)


@pytest.mark.parametrize(("scale", "signs_scale", "loss"), [(1.0, 0.3, 0.04), (0.3, 1.0, 0.03), (0.15, 1.0, 0.03)])
def test_area_by_foreign_signs_has_no_noise_in_it(scale: float, signs_scale: float, loss: float) -> None:
    """300 draws: the mean pull has an error of 0.058 (limit 4, 1 in 16 000) beside the loss that is stated."""
    rng, truth = np.random.default_rng(11), area_without_errors(drawn(None, scale, 1e-9))
    areas = [area_without_noise(drawn(rng, scale), WINDOWS, drawn(rng, signs_scale)) for _ in range(DRAWS)]
    sigma = areas[0].projected.sigma
    pulls = np.array([(area.projected.value - truth) / sigma for area in areas])
    assert -4 / np.sqrt(DRAWS) - loss * truth / sigma < pulls.mean() < 4 / np.sqrt(DRAWS)
    assert pulls.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * DRAWS) + 0.02)


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.15])
def test_excess_of_the_published_area_is_as_stated(scale: float) -> None:
    """Within a quarter, as weak signals count as none and some noise counts as signal; 300 draws give 3 %."""
    rng, truth = np.random.default_rng(12), area_without_errors(drawn(None, scale, 1e-9))
    areas = [area_without_noise(drawn(rng, scale), WINDOWS, drawn(rng, 1.0)) for _ in range(DRAWS)]
    seen = float(np.mean([area.raw.value for area in areas])) - truth
    stated = float(np.mean([area.excess for area in areas]))
    assert stated == pytest.approx(seen, rel=0.25)
    scatter = float(np.std([area.raw.value for area in areas]))
    assert np.mean([area.raw.sigma for area in areas]) == pytest.approx(scatter, rel=0.25)


def spc_recipe(rng: np.random.Generator, sigma: float) -> Spectrum:
    """A spectrum by photon counting: on and off, each with its own offset and scale, which move all points together."""
    ideal = drawn(None, 1.0, mode="spc")
    half = np.full(GRID_EV.size, sigma / np.sqrt(2))
    parts = [
        Intensity(value + half * rng.standard_normal(GRID_EV.size), half) for value in (ideal.on + 0.3, ideal.off + 0.3)
    ]
    on, off = (_scaled(GRID_EV, part, WINDOWS) for part in parts)
    level = float(off.value[WINDOWS.post_edge_ev[0] <= GRID_EV].mean())
    on, off = (Intensity(part.value / level, part.sigma / level) for part in (on, off))
    curves = curves_of(on, off, np.zeros((0, 0)))
    return Spectrum(energy_ev=GRID_EV, sigma_scatter=None, correlation=INDEPENDENT, metadata=ideal.metadata, **curves)


def test_areas_of_counted_spectra_scatter_as_stated() -> None:
    """A shift of the edge, up before it and down behind: independent points would state 2.3 times the true error.

    300 draws: 4 errors of a width are 16 %.
    """
    rng = np.random.default_rng(19)
    signs = replace(drawn(None, 1.0), transient=np.where(GRID_EV < 13_474.0, 0.02, -0.02))
    areas = [area_without_noise(spc_recipe(rng, 3e-3), WINDOWS, signs) for _ in range(DRAWS)]
    stated = float(np.mean([area.projected.sigma for area in areas]))
    assert stated == pytest.approx(np.std([area.projected.value for area in areas]), rel=0.16)


def test_the_published_area_of_counted_spectra_scatters_as_stated() -> None:
    rng, signs = np.random.default_rng(19), drawn(np.random.default_rng(20), 1.0)
    areas = [area_without_noise(spc_recipe(rng, 3e-3), WINDOWS, signs) for _ in range(DRAWS)]
    stated = float(np.mean([area.raw.sigma for area in areas]))
    assert stated == pytest.approx(np.std([area.raw.value for area in areas]), rel=0.16)


def test_own_noise_in_the_signs_brings_the_excess_back() -> None:
    """With its own signs a spectrum has the raw area again: the reason why they must come from another run."""
    spectrum = drawn(np.random.default_rng(13), 0.15)
    found = area_without_noise(spectrum, WINDOWS, spectrum)
    assert found.projected.value == pytest.approx(found.raw.value)


def test_nothing_has_no_inverse_area() -> None:
    empty = area_without_noise(drawn(None, 0.0), WINDOWS, drawn(None, 1.0))
    assert empty.inverse_projected.value == np.inf
    assert empty.inverse_raw.value == np.inf


def test_what_a_recipe_leaves_free_is_no_difference_of_shape() -> None:
    """An offset and a multiple of the static spectrum, which the SPC recipe subtracts, must not count."""
    rng = np.random.default_rng(15)
    first, second = drawn(rng, 1.0), drawn(rng, 0.3)
    shifted = replace(second, transient=second.transient + 0.01 * STATIC - 0.002)
    assert compare_shapes(first, shifted).chi_square == pytest.approx(compare_shapes(first, second).chi_square)


def test_another_shape_is_found() -> None:
    rng = np.random.default_rng(16)
    other = drawn(rng, 0.3)
    moved = replace(other, transient=np.interp(GRID_EV - 1.0, GRID_EV, other.transient))
    assert compare_shapes(drawn(rng, 1.0), moved).p_value < 1e-6


def test_a_transient_that_is_not_there_cannot_be_compared_with() -> None:
    rng = np.random.default_rng(17)
    with pytest.raises(ReductionError, match="no signal"):
        compare_shapes(drawn(rng, 0.0), drawn(rng, 1.0))
    short = drawn(rng, 1.0)
    short = replace(short, transient=short.transient[:-1])
    with pytest.raises(ReductionError, match="same grid"):
        compare_shapes(short, drawn(rng, 1.0))
    with pytest.raises(ReductionError, match="same grid"):
        area_without_noise(short, WINDOWS, drawn(rng, 1.0))


def test_covariance_is_the_product_of_the_operator() -> None:
    """The short way gives the same numbers as the product of full matrices that defines them."""
    rng = np.random.default_rng(19)
    spectrum = drawn(rng, 1.0, mode="spc")
    errors = [rng.uniform(0.5, 2.0, GRID_EV.size) * one for one in (spectrum.on_sigma, spectrum.off_sigma)]
    spectrum = replace(spectrum, on_sigma=errors[0], off_sigma=errors[1])
    inside = points_within(GRID_EV, WINDOWS.edge_integral_ev, "edge-integral")
    expected = np.zeros((GRID_EV.size, GRID_EV.size))
    for value, sigma in ((spectrum.on, errors[0]), (spectrum.off, errors[1])):
        points = SpectrumPoints(GRID_EV, value, np.diag(sigma**2))
        operator = normalisation(points, WINDOWS)[1] * edge_integral(GRID_EV[inside], value[inside])
        expected += operator @ points.covariance @ operator.T
    found = transient_covariance(spectrum, WINDOWS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * expected.max())


def test_covariance_is_that_of_the_recipe() -> None:
    """2000 draws through offset and scale: mean of the pre-edge window within 4 errors of its variance (1.6 % each)."""
    rng, noisy = np.random.default_rng(18), []
    pre_edge = (WINDOWS.pre_edge_ev[0] <= GRID_EV) & (WINDOWS.pre_edge_ev[1] >= GRID_EV)
    edge = (GRID_EV >= 13_462.0) & (GRID_EV <= 13_472.0)
    spectrum = drawn(None, 1.0, mode="spc")
    inside = (GRID_EV >= 13_462.0) & (GRID_EV <= 13_570.0)
    for _ in range(2000):
        parts = []
        for value, sigma in ((spectrum.on, spectrum.on_sigma), (spectrum.off, spectrum.off_sigma)):
            measured = value + sigma * rng.standard_normal(GRID_EV.size)
            measured = measured - measured[pre_edge].mean()
            level = np.trapezoid(value[inside], GRID_EV[inside]) / np.trapezoid(measured[inside], GRID_EV[inside])
            parts.append(measured * level)
        noisy.append((parts[0] - parts[1])[edge].mean())
    weight = edge / edge.sum()
    variance = float(weight @ transient_covariance(spectrum, WINDOWS) @ weight)
    assert np.var(noisy) == pytest.approx(variance, rel=4 * np.sqrt(2 / 2000))
    # Points taken as independent would state less than two thirds of it.
    assert float(weight**2 @ spectrum.sigma**2) < 0.65 * variance
    boxcar = transient_covariance(drawn(None, 1.0, mode="boxcar"), WINDOWS)
    assert np.array_equal(boxcar, np.diag(np.full(GRID_EV.size, SIGMA**2)))
