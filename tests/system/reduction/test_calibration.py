"""If these fail, the energy axis is calibrated to a wrong edge position."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reduction.xas.calibration import FoilSpectrum, find_edge

EDGE_EV = 13_035.3
GRID = np.concatenate([np.arange(13_000, 13_025, 5.0), np.arange(13_025, 13_050, 0.5), np.arange(13_050, 13_100, 5.0)])


def absorption(energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    """A lifetime-broadened edge with a white line, steepest at `EDGE_EV` - 0.06 eV (found on a fine grid)."""
    x = (energy_ev - EDGE_EV) / 3.0
    result: NDArray[np.float64] = (
        0.3 + 0.5 + np.arctan(x) / np.pi + 0.15 / (1.0 + ((energy_ev - EDGE_EV - 12.0) / 5.0) ** 2)
    )
    return result


def steepest() -> float:
    fine = np.arange(EDGE_EV - 3, EDGE_EV + 3, 1e-3)
    return float(fine[np.argmax(np.gradient(absorption(fine)))])


def test_edge_of_a_noisy_foil_has_the_right_error() -> None:
    """400 spectra: mean pull 0.05, width 0.036; limits of 4 sigma and 0.05 for the polynomial, 1 in 8000 by chance."""
    truth, pulls = steepest(), []
    for seed in range(400):
        noise = 2e-3 * np.random.default_rng(seed).standard_normal(GRID.size)
        found = find_edge(FoilSpectrum(GRID, absorption(GRID) + noise), search_ev=(13_030.0, 13_040.0))
        pulls.append((found.edge_ev.value - truth) / found.edge_ev.sigma)
    assert abs(np.mean(pulls)) < 4 * 0.05 + 0.05
    assert abs(np.std(pulls) - 1.0) < 4 * 0.036 + 0.05
