"""If these fail, weak transients look larger than they are, or equal shapes are reported as different."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from reduction.xas.transient_shape import compare_shapes
from tests.support.shaped_transients import DRAWS, GRID_EV, drawn


def test_scale_and_probability_of_equal_shapes_are_right() -> None:
    """300 draws: pulls of the scale 4 errors (1 in 16 000 each); p-values uniform (Kolmogorov, 1 in 1000)."""
    rng = np.random.default_rng(14)
    found = [compare_shapes(drawn(rng, 1.0), drawn(rng, 0.3)) for _ in range(DRAWS)]
    pulls = np.array([(one.scale.value - 0.3) / one.scale.sigma for one in found])
    assert abs(pulls.mean()) < 4 / np.sqrt(DRAWS)
    assert pulls.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * DRAWS))
    assert kstest([one.p_value for one in found], "uniform").pvalue > 1e-3
    assert found[0].degrees_of_freedom == GRID_EV.size - 3
