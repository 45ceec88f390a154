"""If these fail, spectra are shifted by a wrong amount, or the shift has a wrong error bar."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reduction.run_metadata import EnergyWindows
from reduction.xas.alignment import (
    align,
    thermal_difference,
)
from reduction.xas.comparison import BR_K, comparison_parameter
from reduction.xas.static_xas import SpectrumPoints, StaticSpectrum, normalise

ENERGY_EV = np.concatenate(
    [
        np.arange(*steps)
        for steps in ((13_450, 13_464, 3.0), (13_465, 13_480, 0.5), (13_480, 13_500, 1.0), (13_500, 13_571, 3.0))
    ]
)
WINDOWS = EnergyWindows(
    pre_edge_ev=(13_453.0, 13_462.0), edge_integral_ev=(13_466.0, 13_500.0), post_edge_ev=(13_540.0, 13_571.0)
)
COUNTS = 1e6
RUNS = 150


def gaussian(energy_ev: NDArray[np.float64], centre: float, fwhm: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-4 * np.log(2) * ((energy_ev - centre) / fwhm) ** 2))


def absorption(energy_ev: NDArray[np.float64], thermal: float = 0.0) -> NDArray[np.float64]:
    edge = 0.58 + np.arctan((energy_ev - 13_470.2) / 1.3) / np.pi + 0.4 * gaussian(energy_ev, 13_471.4, 3.6)
    change = 0.02 * gaussian(energy_ev, 13_468.3, 2.0) + 0.04 * gaussian(energy_ev, 13_472.0, 2.0)
    return np.asarray(
        edge + 0.13 * gaussian(energy_ev, 13_485.0, 9.0) - 0.13 * gaussian(energy_ev, 13_497.0, 9.0) - thermal * change
    )


def measured(
    rng: np.random.Generator, shift_ev: float = 0.0, scale: float = 1.0, thermal: float = 0.0
) -> SpectrumPoints:
    counts = rng.poisson(scale * COUNTS * absorption(ENERGY_EV - shift_ev, thermal))
    return SpectrumPoints(ENERGY_EV, counts / COUNTS, np.diag(counts / COUNTS**2))


def noiseless(shift_ev: float = 0.0, scale: float = 1.0, thermal: float = 0.0) -> SpectrumPoints:
    intensity = scale * absorption(ENERGY_EV - shift_ev, thermal)
    return SpectrumPoints(ENERGY_EV, intensity, np.diag(1e-12 * intensity))


def static(points: SpectrumPoints, temperature_c: float, edge: str = "Br K") -> StaticSpectrum:
    return StaticSpectrum(
        measured=points,
        normalised=normalise(points, WINDOWS),
        windows=WINDOWS,
        temperature_c=temperature_c,
        setpoint_c=temperature_c,
        sample="s",
        edge=edge,
        uid="",
        scans=1,
    )


def test_shift_is_unbiased_with_the_right_error() -> None:
    """Shifts as the paper's backlash; noise in the reference too, which least squares would pull to half steps.

    150 pairs: mean pull 0.082, width 0.058; limits of 4 sigma, 1 in 8000 by chance.
    """
    pulls, chi_squares = [], []
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        shift = rng.uniform(-0.6, 0.6)
        found = align(measured(rng, shift, 0.9), measured(rng), WINDOWS.edge_integral_ev)
        pulls.append((found.shift_ev.value - shift) / found.shift_ev.sigma)
        chi_squares.append(found.chi_square / found.degrees_of_freedom)
    assert abs(np.mean(pulls)) < 4 * 0.082
    assert abs(np.std(pulls) - 1.0) < 4 * 0.058
    assert abs(np.mean(chi_squares) - 1.0) < 4 * np.sqrt(2 / (RUNS * found.degrees_of_freedom))
    assert found.gain == pytest.approx(0.9, abs=0.01)


def test_thermal_difference_has_the_right_errors_point_by_point_and_in_c() -> None:
    """The fitted shift takes a part of the noise out of the difference and puts some in elsewhere.

    The truth is the same without noise: a change of shape moves the best match itself. 150 pairs: mean pulls 0.082,
    their width at most 0.058 however much the points are correlated; C within its 68 % interval to 0.038; 4.5 sigma.
    """
    pulls, covered = [], 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        shift = rng.uniform(0.2, 0.6)
        found = thermal_difference(static(measured(rng, shift, 0.9, 1.0), 25.0), static(measured(rng), 25.0)).difference
        truth = thermal_difference(static(noiseless(shift, 0.9, 1.0), 25.0), static(noiseless(), 25.0)).difference
        exact_c = comparison_parameter(truth.energy_ev, truth.intensity, truth.covariance, BR_K).value
        near = (found.energy_ev > 13_466) & (found.energy_ev < 13_496)
        pulls.append((found.intensity - truth.intensity)[near] / found.sigma[near])
        c = comparison_parameter(found.energy_ev, found.intensity, found.covariance, BR_K)
        covered += c.low <= exact_c <= c.high
    assert abs(np.std(pulls) - 1.0) < 4.5 * 0.058
    assert np.abs(np.mean(pulls, axis=0)).max() < 4.5 * 0.082
    assert abs(covered / RUNS - 0.683) < 4.5 * 0.038
