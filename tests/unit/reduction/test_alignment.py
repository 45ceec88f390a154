"""If these fail, spectra are shifted by a wrong amount, or the shift has a wrong error bar."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ReductionError
from reduction.values import Value
from reduction.xas.alignment import align, derivative_area_curve, known_alignment
from reduction.xas.comparison import ComparisonWindows, comparison_gradient, comparison_parameter
from reduction.xas.static_xas import SpectrumPoints, normalise
from reduction.xas.thermal_difference import band_gap_change_ev, thermal_difference
from tests.support.shifted_spectra import ENERGY_EV, WINDOWS, absorption, measured, noiseless, static


def test_positive_shift_means_towards_higher_energies() -> None:
    rng = np.random.default_rng(1)
    found = align(measured(rng, 0.4), measured(rng), WINDOWS.edge_integral_ev)
    assert found.shift_ev.value == pytest.approx(0.4, abs=0.01)
    assert found.shift_ev.sigma < 0.005


def test_paper_parameter_is_a_level_crossing_or_nothing() -> None:
    """It has its minimum at the shift if an end of the window lies on the rise, and none if both ends are flat."""
    exact = SpectrumPoints(ENERGY_EV, absorption(ENERGY_EV), np.eye(ENERGY_EV.size))
    moved = SpectrumPoints(ENERGY_EV, absorption(ENERGY_EV - 0.4), np.eye(ENERGY_EV.size))
    shifts = np.arange(-0.8, 0.81, 0.02)
    rise = derivative_area_curve(moved, exact, shifts, (13_456.0, 13_470.0))
    whole = derivative_area_curve(moved, exact, shifts, (13_456.0, 13_560.0))
    assert shifts[np.argmin(rise)] == pytest.approx(0.4, abs=0.03)
    assert np.ptp(whole) < 0.3 * np.ptp(rise)


def test_varshni_moves_the_gap_up_by_six_and_a_half_mev() -> None:
    """Source: SI 8, heating from 25 to 140 degrees."""
    assert band_gap_change_ev(140.0) == pytest.approx(6.5e-3, abs=0.05e-3)
    assert band_gap_change_ev([25.0, 140.0], 140.0) == pytest.approx([-6.5e-3, 0.0], abs=0.05e-3)
    with pytest.raises(ReductionError, match="above -273"):
        band_gap_change_ev(-300.0)


def test_mean_of_aligned_and_varshni_spectrum_lies_half_a_varshni_shift_higher() -> None:
    exact = [SpectrumPoints(ENERGY_EV, absorption(ENERGY_EV - s), 1e-8 * np.eye(ENERGY_EV.size)) for s in (0.0, 0.3)]
    hot = thermal_difference(static(exact[1], 140.0), static(exact[0], 25.0))
    assert hot.shift_ev.value == pytest.approx(0.3, abs=2e-3)
    assert hot.varshni_half_ev == pytest.approx(3.25e-3, abs=0.05e-3)
    at_edge = np.argmin(np.abs(hot.difference.energy_ev - 13_470.0))
    slope = np.gradient(exact[0].intensity, ENERGY_EV)[np.argmin(np.abs(ENERGY_EV - 13_470.0))]
    scale = normalise(exact[0], WINDOWS).intensity.max() / (exact[0].intensity.max() - exact[0].intensity[:5].mean())
    assert hot.difference.intensity[at_edge] == pytest.approx(-slope * scale * 3.25e-3, rel=0.25)
    assert hot.varshni_systematic[at_edge] == pytest.approx(-slope * scale * 3.25e-3, rel=0.25)


def test_reference_minus_itself_is_nothing() -> None:
    same = static(measured(np.random.default_rng(3)), 25.0)
    assert np.abs(thermal_difference(same, same).difference.intensity).max() < 1e-6


def test_misuse_is_refused() -> None:
    rng = np.random.default_rng(4)
    far, near = measured(rng, 3.0), measured(rng)
    with pytest.raises(ReductionError, match="at the limit"):
        align(far, near, WINDOWS.edge_integral_ev, largest_shift_ev=1.0)
    with pytest.raises(ReductionError, match="alignment needs"):
        align(near, near, (13_470.0, 13_471.0))
    with pytest.raises(ReductionError, match="different edges"):
        thermal_difference(static(near, 25.0), static(near, 25.0, "Pb L3"))


def test_a_known_shift_leaves_the_change_of_shape_alone() -> None:
    """Lost: the part of a thermal change that a best match mistakes for a shift, although the shift is known."""
    warm, cold = static(noiseless(thermal=1.0), 25.0), static(noiseless(), 25.0)
    exact = warm.normalised.intensity - cold.normalised.intensity
    matched = thermal_difference(warm, cold).difference
    known = known_alignment(Value(0.0, 0.0), warm.measured, cold.measured)
    kept = thermal_difference(warm, cold, known).difference
    assert kept.intensity == pytest.approx(exact, abs=1e-9)
    before_edge = np.abs(matched.energy_ev - 13_468.0) < 0.6
    lost = matched.intensity[before_edge] / np.interp(matched.energy_ev, ENERGY_EV, exact)[before_edge]
    assert np.all(lost < 0.9)


def test_error_of_a_known_shift_counts() -> None:
    """0.01 eV at a slope s add 0.01 s to the error of a noiseless difference; a fitted shift's error counts once."""
    warm, cold = static(noiseless(thermal=1.0), 25.0), static(noiseless(), 25.0)
    known = known_alignment(Value(0.0, 0.01), warm.measured, cold.measured)
    found = thermal_difference(warm, cold, known).difference
    slope = np.gradient(warm.normalised.intensity, ENERGY_EV)
    steepest = int(np.argmax(slope))
    assert found.sigma[steepest] == pytest.approx(0.01 * slope[steepest], rel=0.05)
    fitted = align(warm.measured, cold.measured, (13_466.0, 13_500.0))
    assert thermal_difference(warm, cold, fitted).difference.sigma[steepest] < 1e-3 * found.sigma[steepest]


def test_differences_to_one_reference_share_its_errors() -> None:
    """Lost: the error of a temperature at which C crosses zero, if both neighbours are taken for independent.

    The derivatives with respect to the reference are compared with a changed reference, at the point where the
    parameter C is most sensitive.
    """
    windows = ComparisonWindows(main_edge_ev=(13_471.0, 13_472.0), pre_edge_ev=(13_468.0, 13_469.0))
    cold, warm = static(noiseless(), 25.0), static(noiseless(thermal=1.0), 60.0)
    known = known_alignment(Value(0.0, 0.01), warm.measured, cold.measured)
    found = thermal_difference(warm, cold, known)
    gradient = comparison_gradient(found.difference.energy_ev, found.difference.intensity, windows) @ found.by_reference
    point = int(np.abs(gradient).argmax())
    moved = cold.measured.intensity.copy()
    moved[point] += 1e-6
    changed = static(cold.measured._replace(intensity=moved), 25.0)
    other = thermal_difference(warm, changed, known)

    def c(points: SpectrumPoints) -> float:
        return comparison_parameter(points.energy_ev, points.intensity, points.covariance, windows).value

    assert (c(other.difference) - c(found.difference)) / 1e-6 == pytest.approx(gradient[point], rel=1e-3)
    with pytest.raises(ReductionError, match="is undefined"):
        comparison_gradient(found.difference.energy_ev, np.zeros(found.difference.energy_ev.size), windows)
