"""Absorption of a foil with a known edge."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BESIDE = Path(__file__).parents[3] / "shared" / "data" / "Pb_Foil_L3_rt_2016Foils.xdi"
REAL_FOIL = Path(os.environ.get("TRXAS_LEAD_FOIL") or BESIDE)
"""Spectrum of a lead foil from the public XAS data library; the environment variable has its path."""

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
