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
