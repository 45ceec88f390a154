"""A rise of the transient and a fit of its time zero, for tests that may not lean on the reduction's."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import curve_fit
from scipy.special import erf

from errors import ReductionError

SIGMA_PS = 45.0


def rise(delay_ps: Any, t0_ps: float, height: float, baseline: float, slope: float) -> Any:
    """A Gaussian-broadened step at `t0_ps` that decays with `slope` per ps, on a baseline."""
    later = np.asarray(delay_ps) - t0_ps
    return baseline + height * (1 - slope * np.maximum(later, 0)) * 0.5 * (1 + erf(later / SIGMA_PS / np.sqrt(2)))


def fit_t0(delay_ps: Any, change: Any, sigma: Any) -> tuple[float, float]:
    """Time zero and its error, ps."""
    guess = (0.0, change[-4:].mean() - change[:4].mean(), change[:4].mean(), 1e-3)
    try:
        found, covariance = curve_fit(rise, delay_ps, change, guess, sigma, absolute_sigma=True)
    except RuntimeError as failure:
        raise ReductionError("no rise") from failure
    return float(found[0]), float(np.sqrt(covariance[0, 0]))
