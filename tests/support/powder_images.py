"""Images of powder rings with known lines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reduction.powder.diffraction import (
    DetectorGeometry,
)

GEOMETRY = DetectorGeometry()
LINES = ((1.52, 150.0), (1.83, 400.0), (2.14, 250.0))
Profile = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def profile(q: NDArray[np.float64], background: float = 20.0) -> NDArray[np.float64]:
    lines = sum(height * np.exp(-(((q - centre) / 0.012) ** 2) / 2) for centre, height in LINES)
    return np.asarray(background + 5.0 * (q - 2.0) + lines)


def scattering_vector(geometry: DetectorGeometry) -> NDArray[np.float64]:
    """Return q of every pixel, 1/Angstrom, by the paper's relations, without pyFAI."""
    rows, columns = geometry.shape
    x = (np.arange(columns) + 0.5 - columns / 2) * geometry.pixel_m + geometry.offset_m[0]
    y = (np.arange(rows) + 0.5 - rows / 2) * geometry.pixel_m + geometry.offset_m[1]
    two_theta = np.arctan(np.hypot(x[None, :], y[:, None]) / geometry.distance_m)
    return np.asarray(4 * np.pi / (12.398419843 / 12.9) * np.sin(two_theta / 2))


def image(
    rng: np.random.Generator | None, geometry: DetectorGeometry = GEOMETRY, shape: Profile = profile
) -> NDArray[np.float64]:
    """Return the counts of every pixel of an image, or with `rng` None their expectation."""
    q = scattering_vector(geometry)
    rows, columns = geometry.shape
    x = (np.arange(columns) + 0.5 - columns / 2) * geometry.pixel_m + geometry.offset_m[0]
    y = (np.arange(rows) + 0.5 - rows / 2) * geometry.pixel_m + geometry.offset_m[1]
    solid_angle = (1 + (x[None, :] ** 2 + y[:, None] ** 2) / geometry.distance_m**2) ** -1.5
    expected = shape(q) * solid_angle
    return expected if rng is None else rng.poisson(expected).astype(float)
