"""If these fail, a diffraction line has a wrong position or error bar."""

from __future__ import annotations

import numpy as np

from reduction.powder.diffraction import (
    fit_line,
    integrate,
)
from tests.support.powder_images import GEOMETRY, image


def test_position_of_a_line_has_the_right_error() -> None:
    """60 images: mean pull 0.13, width 0.092; limits of 4.5 sigma, 1 in 70 000, and 0.1 for the finite bins."""
    pulls = []
    for seed in range(60):
        found = fit_line(integrate(image(np.random.default_rng(seed)), GEOMETRY, points=350), 1.83)
        pulls.append((found.value - 1.83) / found.sigma)
    assert abs(np.mean(pulls)) < 4.5 * 0.13
    assert abs(np.std(pulls) - 1.0) < 4.5 * 0.092
