"""The height of the sample at which the image is narrowest, from lines over the image at several heights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.tplm.response import FWHM
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.types import FloatArray

HEIGHT = "piezo_z_um"
PLACE = "x_um"
"""Event fields of the height of the sample and of the place along the line, um."""

LEAST_HEIGHTS = 3
"""Heights from which a focus can be fitted."""

SIGNIFICANT = 8.0
"""Height of the brightest exposure above the median, in errors, from which an image counts as seen."""

USUAL_DEPTH_UM = 0.8
"""Distance from the focus, um, at which the area of the image has doubled; the fit begins with it."""

USUAL_UM2 = 0.065
"""Variance of a sharp image, um2, with which the fit begins."""


@dataclass(frozen=True, kw_only=True)
class Focus:
    """Height of the focus (um); depth (um) at which the area doubles; centre (um) and full width (nm) at the focus.

    Width and depth are those of the light at all delays, which has spread.
    """

    height_um: Value
    depth_um: Value
    centre_um: Value
    fwhm_nm: Value


def focus_of(seen: Exposures) -> Focus:
    """Return the focus of lines along x at several heights, by one fit to all exposures.

    Raises ReductionError with fewer than three heights, without an image, or if no focus describes the exposures.
    """
    height = seen[HEIGHT]
    if np.unique(height.round(2)).size < LEAST_HEIGHTS:
        raise ReductionError(f"A focus needs lines at {LEAST_HEIGHTS} heights. Wait for more, or measure at more.")
    counts = seen.counts.sum(axis=1).astype(float)
    seconds = seen["exposure_s"]
    rate = counts / seconds
    sigma = np.sqrt(counts + 0.5) / seconds
    top = int(rate.argmax())
    floor = float(np.median(rate))
    if rate[top] - floor < SIGNIFICANT * sigma[top]:
        raise ReductionError("No image is seen at any of these heights. Check laser and filters, or search further.")

    def misfit(found: FloatArray) -> FloatArray:
        """Return the distances of the rates from the model in units of their errors, shape (places,)."""
        model = _light(found, height, seen[PLACE])
        # The error of a count is that of the model, not of the count: low counts would otherwise weigh too much.
        return np.asarray((rate - model) / np.sqrt(np.maximum(model, 0.5 / seconds) / seconds))

    # The brightest exposure is near the focus in height and in place. Everything else starts as the microscope usually
    # is; a soft loss forgives single lines that a passing disturbance has spoilt.
    light = np.log(max(float(np.ptp(rate)), 1.0))
    start = [height[top], np.log(USUAL_DEPTH_UM), seen[PLACE][top], np.log(USUAL_UM2), light, float(rate.min())]
    fit = scipy.optimize.least_squares(
        misfit, start, x_scale=[0.3, 0.3, 0.1, 0.3, 0.3, max(floor, 1.0)], loss="soft_l1", f_scale=5.0
    )
    depth = float(np.exp(fit.x[1]))
    if not fit.success or not 0.05 < depth < 20 or abs(fit.x[0] - height[top]) >= np.ptp(height) + 2 * depth:
        raise ReductionError("No focus describes these lines. Search over a wider range of heights.")
    return _focus(np.asarray(fit.x, dtype=float), np.asarray(fit.jac, dtype=float))


def _light(found: FloatArray, height_um: FloatArray, place_um: FloatArray) -> FloatArray:
    """Return the rate, 1/s, of the exposures by the six parameters of the fit."""
    # The light of a two-dimensional Gaussian at its centre falls as its area grows: both follow from one variance,
    # which is smallest at the focus and grows with the square of the distance from it. Logarithms keep the depth, the
    # width and the light above 0.
    focus, log_depth, centre, log_variance, log_light, dark = found
    wider = 1 + ((height_um - focus) / np.exp(log_depth)) ** 2
    variance = np.exp(log_variance) * wider
    return np.asarray(np.exp(log_light) / wider * np.exp(-((place_um - centre) ** 2) / (2 * variance)) + dark)


def _focus(found: FloatArray, slopes: FloatArray) -> Focus:
    errors = np.sqrt(np.diag(np.linalg.pinv(slopes.T @ slopes)))
    depth = float(np.exp(found[1]))
    fwhm_nm = 1e3 * FWHM * float(np.exp(found[3] / 2))
    return Focus(
        height_um=Value(float(found[0]), float(errors[0])),
        depth_um=Value(depth, depth * float(errors[1])),
        centre_um=Value(float(found[2]), float(errors[2])),
        fwhm_nm=Value(fwhm_nm, fwhm_nm * float(errors[3]) / 2),
    )
