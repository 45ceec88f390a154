"""If these fail, every p-value of a null test is another one than in earlier versions."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from reduction.probabilities import chi_square_tail, f_tail, normal_quantile, normal_tail, students_t_tail


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 12.5, 180.0])
@pytest.mark.parametrize("freedom", [1, 4, 120])
def test_tails_are_those_of_scipy_stats(value: float, freedom: int) -> None:
    """Lost: the digits of small p-values, which decide whether two detectors agree."""
    assert chi_square_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-12)
    assert students_t_tail(value, freedom) == pytest.approx(stats.t.sf(value, freedom), rel=1e-9)
    assert f_tail(value, 2, freedom) == pytest.approx(stats.f.sf(value, 2, freedom), rel=1e-9)
    assert normal_tail(value / 10) == pytest.approx(stats.norm.sf(value / 10), rel=1e-12)


def test_quantiles_and_what_has_no_probability() -> None:
    assert normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), rel=1e-12)
    assert math.isnan(chi_square_tail(3.0, 0))
