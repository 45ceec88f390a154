"""If these fail, a feature is reported at an energy where it is not, or with an error that is not its own."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ReductionError
from reduction.xas.features import extremum

ENERGY = np.arange(13_480.0, 13_490.0, 0.5)


def peak(center: float) -> np.ndarray:
    return np.exp(-(((ENERGY - center) / 8) ** 2))


def test_position_and_its_error_have_the_right_pulls() -> None:
    """200 pulls: the mean within 4/sqrt(200), the width within 4/sqrt(400); false alarm below 1e-3, seed fixed."""
    rng = np.random.default_rng(1)
    sigma = np.full(ENERGY.shape, 0.003)
    fits = [
        extremum(
            ENERGY, peak(13_485.3) + sigma * rng.standard_normal(ENERGY.shape), sigma, near_ev=13_485, half_width_ev=3
        )
        for _ in range(200)
    ]
    pulls = np.array([(fit.value - 13_485.3) / fit.sigma for fit in fits])
    assert abs(pulls.mean()) < 4 / np.sqrt(200)
    assert abs(pulls.std() - 1) < 4 / np.sqrt(400)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ReductionError, match="Fewer than 4"):
        extremum(ENERGY, peak(13_485), np.ones_like(ENERGY), near_ev=13_485, half_width_ev=0.5)


def test_a_slope_is_no_extremum() -> None:
    with pytest.raises(ReductionError, match="no extremum"):
        extremum(ENERGY, ENERGY, np.ones_like(ENERGY), near_ev=13_485, half_width_ev=3)


@pytest.mark.parametrize(("near_ev", "half_width_ev", "skew"), [(13_485.0, 4.0, 0.05), (13_485.0, 4.0, -0.05)])
def test_a_lopsided_peak_is_where_it_is(near_ev: float, half_width_ev: float, skew: float) -> None:
    """A parabola puts this peak 0.2 eV beside its maximum, several of its errors away."""
    x = ENERGY - 13_485.3
    values = np.exp(-((x / 8) ** 2) + skew * (x / 4) ** 3)
    sigma = np.full(ENERGY.shape, 3e-3)
    found = extremum(ENERGY, values, sigma, near_ev=near_ev, half_width_ev=half_width_ev)
    parabola = np.polynomial.Polynomial.fit(x[np.abs(x) <= half_width_ev], values[np.abs(x) <= half_width_ev], 2)
    assert abs(parabola.deriv().roots()[0]) > 0.15
    assert found.value == pytest.approx(13_485.3, abs=found.sigma)


def test_few_points_have_the_distance_of_a_cubic_in_the_error() -> None:
    """Five points cannot tell a lopsided peak from a shifted one; the error must contain both."""
    energy = np.arange(13_483.0, 13_488.0)
    x = energy - 13_485.0
    values = np.exp(-((x / 8) ** 2) + 0.03 * (x / 4) ** 3)
    found = extremum(energy, values, np.full(5, 1e-5), near_ev=13_485.0, half_width_ev=2.1)
    assert found.sigma > 0.02
    assert abs(found.value - 13_485.0) < 1.5 * found.sigma
