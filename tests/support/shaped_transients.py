"""Transients of a known shape and scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRID_EV = np.concatenate(
    [np.arange(13_450, 13_462, 2.0), np.arange(13_462, 13_480, 0.5), np.arange(13_480, 13_516, 1.5),
     np.arange(13_516, 13_571, 4.5)]
)  # fmt: skip
STATIC = 1.0 / (1.0 + np.exp(-(GRID_EV - 13_470.0) / 1.2))
PEAKS = ((13_467.5, 2.0, 0.013), (13_472.0, 2.4, -0.026), (13_477.0, 3.0, 0.011), (13_485.0, 6.0, -0.007))
SIGMA = 8e-4
DRAWS = 300


def shape() -> NDArray[np.float64]:
    return np.asarray(sum(height * np.exp(-(((GRID_EV - centre) / width) ** 2)) for centre, width, height in PEAKS))
