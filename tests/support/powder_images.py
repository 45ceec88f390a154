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
