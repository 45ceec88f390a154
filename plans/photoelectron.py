"""Energy and wave number of the photoelectron above an absorption edge."""

from __future__ import annotations

import math

K_TO_EV = 3.80998212
"""hbar^2 / 2m in eV A^2 (CODATA 2018): a photoelectron of wave number k has this times k^2."""


def energy_of_k(k: float, edge_ev: float) -> float:
    """Return the energy, eV, of the wave number `k`, 1/A, of the photoelectron; rounded to 0.01 eV."""
    return round(edge_ev + K_TO_EV * k**2, 2)


def k_of_energy(energy_ev: float, edge_ev: float) -> float:
    """Return the wave number of the photoelectron, 1/A, at an energy of at least `edge_ev`, eV."""
    return math.sqrt((energy_ev - edge_ev) / K_TO_EV)
