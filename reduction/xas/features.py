"""Energies of the maxima and minima of a spectrum, by a weighted polynomial through the points around each."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from errors import ReductionError
from reduction.types import FloatArray
from reduction.values import Value

_POINTS_OF_PARABOLA = 4
_POINTS_OF_QUARTIC = 6
# Distance between two orders, in its own errors, from which on it is a bias and not noise.
_SIGNIFICANT = 2.0
# Imaginary part below which a root of the slope is real.
_REAL = 1e-9


def extremum(
    energy_ev: ArrayLike, values: ArrayLike, sigma: ArrayLike, *, near_ev: float, half_width_ev: float
) -> Value:
    """Return the energy of the extremum next to `near_ev`, eV, with its error from the counts.

    A parabola through the points within `half_width_ev` of `near_ev` finds the place; a polynomial of fourth order
    through those around that place gives the energy. A lopsided peak biases a parabola: on the Br K edge by +0.18 eV at
    the first peak and by +0.32 eV at 13 508 eV. The fourth order is biased by 0.01 eV; its difference from a fifth
    order is added to the error if it is significant. With fewer than six points the parabola is used, and its
    difference from a cubic is added to the error. Choose a window within half the width of the feature. Raises
    ReductionError with fewer than four points, or if they have no extremum inside.
    """
    arrays = [np.asarray(array, dtype=float) for array in (energy_ev, values, sigma)]
    first, curvature = _extremum(arrays, near_ev, half_width_ev, order=2)
    number = int(np.sum(np.abs(arrays[0] - first.value) <= half_width_ev))
    if number >= _POINTS_OF_QUARTIC:
        fourth, _ = _extremum(arrays, first.value, half_width_ev, order=4, curvature=curvature)
        return _with_bias(fourth, arrays, half_width_ev, curvature) if number > _POINTS_OF_QUARTIC else fourth
    second, _ = _extremum(arrays, first.value, half_width_ev, order=2, curvature=curvature)
    cubic, _ = _extremum(arrays, first.value, half_width_ev, order=3, curvature=curvature)
    return Value(second.value, math.hypot(second.sigma, cubic.value - second.value))


def _with_bias(found: Value, arrays: list[FloatArray], half_width_ev: float, curvature: float) -> Value:
    """Return `found`, eV, with its distance from a polynomial of fifth order in the error, if that is significant."""
    try:
        fifth, _ = _extremum(arrays, found.value, half_width_ev, order=5, curvature=curvature)
    except ReductionError:
        return found
    # The scatter of the distance between nested fits is the difference of their variances; what noise explains is in
    # the error already.
    distance = abs(fifth.value - found.value)
    noise = math.sqrt(max(fifth.sigma**2 - found.sigma**2, 0.0))
    return found if distance <= _SIGNIFICANT * noise else Value(found.value, math.hypot(found.sigma, distance))


def _extremum(
    arrays: list[FloatArray], center_ev: float, half_width_ev: float, *, order: int, curvature: float = 0.0
) -> tuple[Value, float]:
    """Return the extremum nearest to the centre, eV, of a weighted polynomial, and the sign of its curvature.

    With a `curvature` other than 0, only extrema with that sign count: the others are minima beside a maximum.
    """
    inside = np.abs(arrays[0] - center_ev) <= half_width_ev
    if inside.sum() < _POINTS_OF_PARABOLA:
        raise ReductionError(f"Fewer than 4 points within {half_width_ev:g} eV of {center_ev:g} eV. Use a finer grid.")
    energy, value, error = (array[inside] for array in arrays)
    # In units of the window, so that the powers of the fourth order stay of one size.
    x = (energy - center_ev) / half_width_ev
    inverse = np.linalg.pinv(np.vander(x, order + 1, increasing=True) / error[:, None])
    fitted = np.polynomial.Polynomial(inverse @ (value / error))
    slope = fitted.deriv()
    bend = fitted.deriv(2)
    roots = [float(root.real) for root in slope.roots() if abs(root.imag) < _REAL and abs(root.real) <= 1.0]
    roots = [root for root in roots if curvature * float(bend(root)) >= 0.0 and bend(root) != 0.0]
    if not roots:
        raise ReductionError(
            f"The spectrum has no extremum within {half_width_ev:g} eV of {center_ev:g} eV. Widen the window."
        )
    place = min(roots, key=abs)
    # The slope vanishes at the extremum. An error of the coefficients changes it there by a linear function of them,
    # and so moves the extremum by that change over the curvature.
    powers = np.arange(order + 1)
    gradient = powers * place ** np.maximum(powers - 1, 0) / float(bend(place))
    sigma = float(np.linalg.norm(gradient @ inverse))
    found = Value(center_ev + half_width_ev * place, half_width_ev * sigma)
    return found, math.copysign(1.0, float(bend(place)))
