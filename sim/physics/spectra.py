"""X-ray absorption of the sample against photon energy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sim.physics.sample import Edge, Peak
from sim.types import FloatArray


def gaussians(energy_ev: ArrayLike, peaks: tuple[Peak, ...]) -> FloatArray:
    """Return the sum of Gaussian features at `energy_ev`, in units of the edge step; shape of `energy_ev`."""
    energy = np.asarray(energy_ev, dtype=float)
    total = np.zeros_like(energy)
    for peak in peaks:
        total += peak.height * np.exp(-4 * np.log(2) * ((energy - peak.center_ev) / peak.fwhm_ev) ** 2)
    return total


def static_spectrum(edge: Edge, energy_ev: ArrayLike) -> FloatArray:
    """Return the fluorescence of the unexcited sample: scatter, an arctangent step of height 1, and features.

    The arctangent is the absorption of a core hole of finite lifetime above a flat continuum. Units are edge steps, the
    shape is that of `energy_ev`.
    """
    # A Lorentzian core level of full width `width_ev`, integrated from the edge upwards, gives the arctangent. One edge
    # has the step of height 1, which defines the unit of all other heights.
    energy = np.asarray(energy_ev, dtype=float)
    step = 0.5 + np.arctan(2 * (energy - edge.edge_ev) / edge.width_ev) / np.pi
    return np.asarray(edge.scatter + step + gaussians(energy, edge.static))


def transient_spectrum(edge: Edge, energy_ev: ArrayLike) -> FloatArray:
    """Return the change of the fluorescence at full excitation and reference fluence, in units of the edge step.

    The result has the shape of `energy_ev`, eV.
    """
    return gaussians(energy_ev, edge.transient)


def edge_at(edges: dict[str, Edge], energy_ev: float) -> Edge:
    """Return the edge whose step is nearest to `energy_ev`, in eV; raises ValueError if there is none."""
    return min(edges.values(), key=lambda edge: abs(edge.edge_ev - energy_ev))
