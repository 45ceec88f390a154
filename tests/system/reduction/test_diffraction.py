"""If these fail, a diffraction line has a wrong position or error bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reduction.powder.diffraction import (
    DetectorGeometry,
    fit_line,
    integrate,
)
from tests.support.powder_images import GEOMETRY, Profile, profile


def scattering_vector(geometry: DetectorGeometry) -> NDArray[np.float64]:
    """Written out once more from the paper's relations, without pyFAI."""
    rows, columns = geometry.shape
    x = (np.arange(columns) + 0.5 - columns / 2) * geometry.pixel_m + geometry.offset_m[0]
    y = (np.arange(rows) + 0.5 - rows / 2) * geometry.pixel_m + geometry.offset_m[1]
    two_theta = np.arctan(np.hypot(x[None, :], y[:, None]) / geometry.distance_m)
    return np.asarray(4 * np.pi / (12.398419843 / 12.9) * np.sin(two_theta / 2))


def image(
    rng: np.random.Generator | None, geometry: DetectorGeometry = GEOMETRY, shape: Profile = profile
) -> NDArray[np.float64]:
    q = scattering_vector(geometry)
    rows, columns = geometry.shape
    x = (np.arange(columns) + 0.5 - columns / 2) * geometry.pixel_m + geometry.offset_m[0]
    y = (np.arange(rows) + 0.5 - rows / 2) * geometry.pixel_m + geometry.offset_m[1]
    solid_angle = (1 + (x[None, :] ** 2 + y[:, None] ** 2) / geometry.distance_m**2) ** -1.5
    expected = shape(q) * solid_angle
    return expected if rng is None else rng.poisson(expected).astype(float)


def test_position_of_a_line_has_the_right_error() -> None:
    """60 images: mean pull 0.13, width 0.092; limits of 4.5 sigma, 1 in 70 000, and 0.1 for the finite bins."""
    pulls = []
    for seed in range(60):
        found = fit_line(integrate(image(np.random.default_rng(seed)), GEOMETRY, points=350), 1.83)
        pulls.append((found.value - 1.83) / found.sigma)
    assert abs(np.mean(pulls)) < 4.5 * 0.13
    assert abs(np.std(pulls) - 1.0) < 4.5 * 0.092
