"""Transients of a known shape and scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reduction.xas.transient import Spectrum, TransientMetadata

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


def drawn(rng: np.random.Generator | None, scale: float, sigma: float = SIGMA, mode: str = "boxcar") -> Spectrum:
    """Return a transient with independent errors, as those of the boxcar are."""
    transient, errors = scale * shape(), np.full(GRID_EV.size, sigma)
    if rng is not None:
        transient = transient + sigma * rng.standard_normal(GRID_EV.size)
    half = errors / np.sqrt(2)
    return Spectrum(
        energy_ev=GRID_EV,
        on=STATIC + transient,
        on_sigma=half,
        off=STATIC,
        off_sigma=half,
        transient=transient,
        sigma=errors,
        sigma_scatter=None,
        metadata=TransientMetadata(
            sample="s",
            edge="Br K",
            mode="boxcar" if mode == "boxcar" else "spc",
            reference="unpumped probe",
            probe=0,
            scans=1,
            offset="pre-edge",
        ),
    )
