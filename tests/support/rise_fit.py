"""A rise of the transient and a fit of its time zero, for tests that may not lean on the reduction's."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import curve_fit
from scipy.special import erf, erfcx

from errors import ReductionError

SIGMA_PS = 45.0


def rise(delay_ps: Any, t0_ps: float, height: float, baseline: float, slope: float) -> Any:
    """A Gaussian-broadened step at `t0_ps` that decays with `slope` per ps, on a baseline."""
    later = np.asarray(delay_ps) - t0_ps
    return baseline + height * (1 - slope * np.maximum(later, 0)) * 0.5 * (1 + erf(later / SIGMA_PS / np.sqrt(2)))


def two_decays(delay_ps: Any, t0_ps: float, fast: float, slow: float, baseline: float, rate_per_ps: float) -> Any:
    """A Gaussian-broadened rise at `t0_ps` to a part that decays with `rate_per_ps` and one that stays."""
    later = (np.asarray(delay_ps) - t0_ps) / SIGMA_PS
    decaying = 0.5 * np.exp(-(later**2) / 2) * erfcx((SIGMA_PS * rate_per_ps - later) / np.sqrt(2))
    return baseline + fast * decaying + slow * 0.5 * (1 + erf(later / np.sqrt(2)))


def fit_t0_of_decays(delay_ps: Any, change: Any, sigma: Any) -> tuple[float, float]:
    """Time zero and its error, ps: without bias for lifetimes of 0.1 and 1 ns, where `fit_t0` is 9 ps early."""
    height = change[-4:].mean() - change[:4].mean()
    guess = (0.0, 0.6 * height, 0.4 * height, change[:4].mean(), 1 / 150)
    found, covariance = curve_fit(two_decays, delay_ps, change, guess, sigma, absolute_sigma=True, maxfev=20_000)
    return float(found[0]), float(np.sqrt(covariance[0, 0]))


def fit_t0(delay_ps: Any, change: Any, sigma: Any) -> tuple[float, float]:
    """Time zero and its error, ps; the decay biases it alike in all scans, so differences are right."""
    guess = (0.0, change[-4:].mean() - change[:4].mean(), change[:4].mean(), 1e-3)
    try:
        found, covariance = curve_fit(rise, delay_ps, change, guess, sigma, absolute_sigma=True)
    except RuntimeError as failure:
        raise ReductionError("no rise") from failure
    return float(found[0]), float(np.sqrt(covariance[0, 0]))
