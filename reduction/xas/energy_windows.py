"""Offsets, integrals and levels of spectra in energy windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray


def points_within(energy_ev: FloatArray, window_ev: tuple[float, float], name: str, *, at_least: int = 1) -> BoolArray:
    """Return a mask (points,) of the energies in the closed window; raises ReductionError below `at_least` of them."""
    inside = (energy_ev >= window_ev[0]) & (energy_ev <= window_ev[1])
    if inside.sum() < at_least:
        raise ReductionError(
            f"The {name} window {window_ev[0]:g} to {window_ev[1]:g} eV holds {inside.sum()} measured points; at least "
            f"{at_least} are needed. Wait until the scan has covered it, or move the window."
        )
    return inside


def edge_integral(energy_ev: FloatArray, intensity: FloatArray) -> float:
    """Return the integral of an offset-corrected spectrum by trapezoids, eV; raises ReductionError unless above 0."""
    integral = float(np.trapezoid(intensity, energy_ev))
    if integral <= 0:
        raise ReductionError(
            f"The edge integral is {integral:.3g}, not above 0: no edge lies in the edge-integral window. Check the "
            "windows, the sample and the sign of the detector signal."
        )
    return integral
