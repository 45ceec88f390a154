"""Spatial overlap of laser and X-rays: the transient against the laser pointing, and the Gaussian through it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from errors import InputError, ReductionError
from reduction.number_text import with_error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


LEAST_HEIGHT_SIGMAS = 5.0
"""A height of fewer errors is not a maximum (by chance in 1 of 1.7 million)."""


@dataclass(frozen=True, kw_only=True)
class OverlapFit:
    """Where the transient is largest and how wide it is (FWHM), um, with standard errors."""

    center_um: float
    center_sigma_um: float
    fwhm_um: float
    fwhm_sigma_um: float


def fit_overlap(position_um: ArrayLike, transient: ArrayLike, sigma: ArrayLike) -> OverlapFit:
    """Return the Gaussian on a constant, um, through a transient (n,) with errors (n,) at positions (n,), n >= 6.

    The transient follows the laser intensity, as long as it does not saturate. Raises InputError for arrays that do
    not fit together, ReductionError if there is no maximum within the positions.
    """
    x, y, error = (np.asarray(values, dtype=float) for values in (position_um, transient, sigma))
    if x.ndim != 1 or not x.shape == y.shape == error.shape or x.size < 6 or not np.all(np.isfinite([x, y, error])):
        raise InputError(f"An overlap fit needs 6 or more positions, transients and errors, not {x.shape}, {y.shape}.")
    if not np.all(error > 0):
        raise InputError("The errors of an overlap fit must be above 0. Leave other points out.")
    # A start near the solution: the median is the baseline as long as the peak covers less than half of the scan, and
    # the largest distance from it is the peak, of either sign.
    baseline = float(np.median(y))
    peak = int(np.argmax(np.abs(y - baseline)))
    guess = (baseline, y[peak] - baseline, x[peak], np.ptp(x) / 3)
    try:
        with warnings.catch_warnings(action="error", category=scipy.optimize.OptimizeWarning):
            found, covariance = scipy.optimize.curve_fit(_gaussian, x, y, guess, error, absolute_sigma=True)
    except (RuntimeError, scipy.optimize.OptimizeWarning) as failure:
        raise ReductionError(f"No maximum of the transient: {failure}. Widen the scan, or count longer.") from failure
    errors = np.sqrt(np.diag(covariance))
    if not abs(found[1]) > LEAST_HEIGHT_SIGMAS * errors[1] or not x.min() <= found[2] <= x.max():
        height = with_error(float(found[1]), float(errors[1]))
        raise ReductionError(
            f"No maximum of the transient within {x.min():g} to {x.max():g} um: height {height} at {found[2]:.3g} um. "
            "Widen the scan, count longer, or check time zero first."
        )
    return OverlapFit(
        center_um=float(found[2]),
        center_sigma_um=float(errors[2]),
        fwhm_um=abs(float(found[3])),
        fwhm_sigma_um=float(errors[3]),
    )


def _gaussian(x: Any, baseline: float, height: float, center: float, fwhm: float) -> Any:
    return baseline + height * np.exp(-4 * np.log(2) * ((x - center) / fwhm) ** 2)
