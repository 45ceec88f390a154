"""A number with its error, in the usual way: as many digits as the error carries."""

from __future__ import annotations

import math


def plus_minus(value: float, sigma: float | None) -> str:
    """`value ± sigma` with two digits of the error; the value alone if there is none."""
    if not sigma or not math.isfinite(sigma):
        return f"{value:.6g}"
    decimals = 1 - math.floor(math.log10(sigma))
    value, sigma = round(value, decimals) + 0.0, round(sigma, decimals)
    decimals = max(0, decimals)
    return f"{value:.{decimals}f} ± {sigma:.{decimals}f}"
