"""If these fail, weak transients look larger than they are, or equal shapes are reported as different."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest

from reduction.xas.transient import Spectrum, TransientMetadata
from reduction.xas.transient_shape import compare_shapes

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


def drawn(rng: np.random.Generator | None, scale: float, sigma: float = SIGMA, mode: str = "spc") -> Spectrum:
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


def test_scale_and_probability_of_equal_shapes_are_right() -> None:
    """300 draws: pulls of the scale 4 errors (1 in 16 000 each); p-values uniform (Kolmogorov, 1 in 1000)."""
    rng = np.random.default_rng(14)
    found = [compare_shapes(drawn(rng, 1.0), drawn(rng, 0.3)) for _ in range(DRAWS)]
    pulls = np.array([(one.scale.value - 0.3) / one.scale.sigma for one in found])
    assert abs(pulls.mean()) < 4 / np.sqrt(DRAWS)
    assert pulls.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * DRAWS))
    assert kstest([one.p_value for one in found], "uniform").pvalue > 1e-3
    assert found[0].degrees_of_freedom == GRID_EV.size - 3
