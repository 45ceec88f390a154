"""If these fail, spectra are shifted by a wrong amount, or the shift has a wrong error bar."""

from __future__ import annotations

import numpy as np
import pytest

from reduction.xas.alignment import align
from reduction.xas.comparison import BR_K, comparison_parameter
from reduction.xas.thermal_difference import thermal_difference
from tests.support.shifted_spectra import WINDOWS, measured, noiseless, static

RUNS = 150


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
