"""If these fail, the fluence dependence has a wrong slope, or saturation is missed or invented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.types import Mode
from reduction.xas.fluence_fit import fit_fluence
from tests.support.fluence_runs import SLOPE, fluence_beam_time, reduced

RUNS = 200


@pytest.mark.parametrize("mode", ["boxcar", "spc"])
def test_slope_and_intercept_have_the_right_errors(br_beam_time: type[Any], mode: Mode) -> None:
    """The two lowest points are correlated with all others; independent errors would make the pulls too wide.

    200 runs: mean pull 0.071, width 0.050; limits of 4 sigma, five numbers per mode, 1 in 3000 by chance.
    """
    beam_time = fluence_beam_time(br_beam_time, jet_between_scans=0.03)
    fits = [fit_fluence(reduced(beam_time, seed, mode)) for seed in range(RUNS)]
    intercept = -SLOPE * 0.75
    pulls = np.array(
        [[(f.slope.value - SLOPE) / f.slope.sigma, (f.intercept.value - intercept) / f.intercept.sigma] for f in fits]
    )
    assert np.abs(pulls.mean(axis=0)).max() < 4 * 0.071
    assert np.abs(pulls.std(axis=0) - 1.0).max() < 4 * 0.050
    reduced_chi_square = np.mean([f.chi_square / f.degrees_of_freedom for f in fits])
    assert abs(reduced_chi_square - 1.0) < 4 * np.sqrt(2 / (RUNS * fits[0].degrees_of_freedom))


def test_saturation_is_found_where_it_begins_and_nowhere_else(br_beam_time: type[Any]) -> None:
    """Without saturation the p-values of 100 runs are uniform (mean 0.5 +- 0.029, 4 sigma; least above 1e-5)."""
    straight = fluence_beam_time(br_beam_time, knee_mj_cm2=50.0)
    tests = [fit_fluence(reduced(straight, seed)).saturation for seed in range(100)]
    p_values = [test.p_value for test in tests if test is not None]
    assert abs(np.mean(p_values) - 0.5) < 4 * 0.029
    assert min(p_values) > 1e-5
    bent = fit_fluence(reduced(fluence_beam_time(br_beam_time, boxcar_noise_v=1e-4), 1)).saturation
    assert bent is not None
    assert bent.p_value < 1e-6
    assert bent.deficit.value > 4 * bent.deficit.sigma
    assert bent.knee_low_mj_cm2 - 0.3 < 10.5 < bent.knee_high_mj_cm2 + 0.3
