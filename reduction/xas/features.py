"""Energies of the maxima and minima of a spectrum, by a weighted parabola through the points around each."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from errors import ReductionError
from reduction.types import FloatArray
from reduction.values import Value


def extremum(
    energy_ev: ArrayLike, values: ArrayLike, sigma: ArrayLike, *, near_ev: float, half_width_ev: float
) -> Value:
    """Return the energy of the extremum next to `near_ev`, eV, with its error from the counts.

    A parabola is fitted to the points within `half_width_ev` of `near_ev`, then again around the vertex found: off
    centre, the higher terms of a peak would bias it. Choose a window within half the width of the feature. Raises
    ReductionError with fewer than four points, or if they have no vertex inside the window.
    """
    arrays = [np.asarray(array, dtype=float) for array in (energy_ev, values, sigma)]
    first = _vertex(arrays, near_ev, half_width_ev)
    return _vertex(arrays, first.value, half_width_ev)


def _vertex(arrays: list[FloatArray], center_ev: float, half_width_ev: float) -> Value:
    """Return the vertex -b / 2a of the weighted parabola, with its error from the covariance of a and b."""
    inside = np.abs(arrays[0] - center_ev) <= half_width_ev
    if inside.sum() < 4:
        raise ReductionError(f"Fewer than 4 points within {half_width_ev:g} eV of {center_ev:g} eV. Use a finer grid.")
    energy, value, error = (array[inside] for array in arrays)
    x = energy - center_ev
    design = np.stack([x**2, x, np.ones_like(x)], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    a, b, _ = covariance @ design.T @ (value / error)
    vertex = -b / (2 * a) if a else math.inf
    if not abs(vertex) <= half_width_ev:
        raise ReductionError(
            f"The spectrum has no extremum within {half_width_ev:g} eV of {center_ev:g} eV. Widen the window."
        )
    # First-order propagation of v = -b / 2a: dv/da = b / 2a^2 and dv/db = -1 / 2a.
    gradient = np.array([b / (2 * a**2), -1 / (2 * a)])
    return Value(center_ev + float(vertex), float(np.sqrt(gradient @ covariance[:2, :2] @ gradient)))
