"""X-ray absorption of the sample and of the calibration foil against photon energy."""

from __future__ import annotations

import numpy as np
import xraydb
from numpy.typing import ArrayLike, NDArray

from sim.physics.sample import Edge, Peak

Array = NDArray[np.float64]

FOIL_THICKNESS_CM = 5e-4
"""Pb foil of 5 um, about one absorption length above the L3 edge (chosen)."""

FOIL_EDGE_EV = 13035.0
"""Pb L3 edge of the metal, eV (X-ray data booklet, 13035.2; the stored foil measurement uses 13035)."""

FOIL_EDGE_WIDTH_EV = 6.0
"""Width of the foil's edge, eV: the L3 core hole of Pb, 5.8 eV (Krause and Oliver 1979)."""


def gaussians(energy_ev: ArrayLike, peaks: tuple[Peak, ...]) -> Array:
    """Return the sum of Gaussian features at `energy_ev`, in units of the edge step; shape of `energy_ev`."""
    energy = np.asarray(energy_ev, dtype=float)
    total = np.zeros_like(energy)
    for peak in peaks:
        total += peak.height * np.exp(-4 * np.log(2) * ((energy - peak.center_ev) / peak.fwhm_ev) ** 2)
    return total


def static_spectrum(edge: Edge, energy_ev: ArrayLike) -> Array:
    """Return the fluorescence of the unexcited sample: scatter, an arctangent step of height 1, and features.

    The arctangent is the absorption of a core hole of finite lifetime above a flat continuum.
    """
    energy = np.asarray(energy_ev, dtype=float)
    step = 0.5 + np.arctan(2 * (energy - edge.edge_ev) / edge.width_ev) / np.pi
    return np.asarray(edge.scatter + step + gaussians(energy, edge.static))


def transient_spectrum(edge: Edge, energy_ev: ArrayLike) -> Array:
    """Return the change of the fluorescence at full excitation and reference fluence, in units of the edge step."""
    return gaussians(energy_ev, edge.transient)


def edge_at(edges: dict[str, Edge], energy_ev: float) -> Edge:
    """Return the edge whose step is nearest to `energy_ev`."""
    return min(edges.values(), key=lambda edge: abs(edge.edge_ev - energy_ev))


def foil_transmission(energy_ev: float) -> float:
    """Return the transmission of the Pb foil: tabulated absorption (xraydb), broadened by the core-hole lifetime."""
    below, above = (float(xraydb.mu_elam("Pb", FOIL_EDGE_EV + side)) for side in (-200.0, 200.0))
    step = 0.5 + np.arctan(2 * (energy_ev - FOIL_EDGE_EV) / FOIL_EDGE_WIDTH_EV) / np.pi
    mass_absorption = below + (above - below) * step
    return float(np.exp(-mass_absorption * xraydb.atomic_density("Pb") * FOIL_THICKNESS_CM))
