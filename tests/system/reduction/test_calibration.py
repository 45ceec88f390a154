"""If these fail, the energy axis is calibrated to a wrong edge position."""

from __future__ import annotations

import numpy as np

from reduction.xas.calibration import FoilSpectrum, find_edge
from tests.support.foil_edges import GRID, absorption, steepest


def test_edge_of_a_noisy_foil_has_the_right_error() -> None:
    """400 spectra: mean pull 0.05, width 0.036; limits of 4 sigma and 0.05 for the polynomial, 1 in 8000 by chance."""
    truth, pulls = steepest(), []
    for seed in range(400):
        noise = 2e-3 * np.random.default_rng(seed).standard_normal(GRID.size)
        found = find_edge(FoilSpectrum(GRID, absorption(GRID) + noise), search_ev=(13_030.0, 13_040.0))
        pulls.append((found.edge_ev.value - truth) / found.edge_ev.sigma)
    assert abs(np.mean(pulls)) < 4 * 0.05 + 0.05
    assert abs(np.std(pulls) - 1.0) < 4 * 0.036 + 0.05
