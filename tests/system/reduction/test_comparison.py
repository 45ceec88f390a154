"""If these fail, heat and light are compared by a wrong ratio, area or error bar."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reduction.xas.comparison import (
    BR_K,
    change_of_comparison,
    comparison_parameter,
)

ENERGY_EV = np.arange(13_450.0, 13_571.0, 0.5)


def difference(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    up, down = (np.exp(-(((energy_ev - centre) / 1.5) ** 2)) for centre in (13_467.5, 13_472.0))
    return np.asarray(0.01 * up - 0.02 * down)


def exact_c() -> float:
    main, before = (difference(np.arange(low, low + 1.1, 0.5)).mean() for low in (13_471.0, 13_468.0))
    return float(main / before)


def test_ratio_has_the_right_error_and_interval() -> None:
    """2000 draws: mean pull 0.022, width 0.016, coverage 0.0104; 4 sigma and second-order terms, 1 in 5000."""
    rng, sigma, truth = np.random.default_rng(1), np.full(ENERGY_EV.size, 5e-4), exact_c()
    pulls, covered = [], 0
    for _ in range(2000):
        found = comparison_parameter(
            ENERGY_EV, difference(ENERGY_EV) + sigma * rng.standard_normal(ENERGY_EV.size), sigma, BR_K
        )
        pulls.append((found.value - truth) / found.sigma)
        covered += found.low <= truth <= found.high
        assert found.delta_valid
    assert abs(np.mean(pulls)) < 4 * 0.022 + 0.02
    assert abs(np.std(pulls) - 1.0) < 4 * 0.016 + 0.02
    assert abs(covered / 2000 - 0.6827) < 4 * 0.0104


def test_interval_holds_where_the_first_order_error_does_not() -> None:
    """A denominator of two errors: the delta method fails, Fieller's 95 % interval still covers (0.0049, 4 sigma)."""
    rng, sigma, truth, covered = np.random.default_rng(2), np.full(ENERGY_EV.size, 8e-3), exact_c(), 0
    for _ in range(2000):
        found = comparison_parameter(
            ENERGY_EV,
            difference(ENERGY_EV) + sigma * rng.standard_normal(ENERGY_EV.size),
            sigma,
            BR_K,
            confidence=0.95,
        )
        covered += found.low <= truth <= found.high
    assert covered / 2000 > 0.95 - 4 * 0.0049
    assert not found.delta_valid


@pytest.mark.parametrize("denominator_errors", [2.5, *(pytest.param(e, marks=pytest.mark.long) for e in (5.0, 20.0))])
def test_equal_c_differ_by_their_errors_whatever_the_denominator(denominator_errors: float) -> None:
    """3000 draws: width 0.013 (4 errors), 0.27 % beyond three errors (8 of 3000; more than 22, 1 in 20 000).

    With the second C's own error up to 3 % would be beyond, and a C that is constant would be said to change.
    """
    rng, shape = np.random.default_rng(5), difference(ENERGY_EV)
    before = float(np.mean(difference(np.arange(13_468.0, 13_469.1, 0.5))))
    sigma = np.full(ENERGY_EV.size, np.sqrt(3) * before / denominator_errors)
    pulls = []
    for _ in range(3000):
        noise = rng.standard_normal((2, ENERGY_EV.size)) * sigma
        first = comparison_parameter(ENERGY_EV, shape + 0.01 * noise[0], 0.01 * sigma, BR_K)
        second = comparison_parameter(ENERGY_EV, shape + noise[1], sigma, BR_K)
        change = change_of_comparison(first, second)
        pulls.append(change.value / change.sigma)
    assert np.std(pulls) == pytest.approx(1.0, abs=4 * 0.013)
    assert np.sum(np.abs(pulls) > 3) <= 22
