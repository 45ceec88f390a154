"""Values with their standard error."""

from __future__ import annotations

import math


def with_error(value: float, sigma: float | None, unit: str = "") -> str:
    """Return `1.0235 ± 0.0012 eV`; without a finite error above 0 the value alone, to six digits."""
    end = f" {unit}" if unit else ""
    if sigma is None or not math.isfinite(sigma) or sigma <= 0 or not math.isfinite(value):
        return f"{value:.6g}{end}"
    places = 1 - math.floor(math.log10(sigma))
    if places > 8 or places < -4:
        return f"{value:.6g} ± {sigma:.2g}{end}"
    if places <= 0:
        return f"{round(value, places):.0f} ± {round(sigma, places):.0f}{end}"
    return f"{value:.{places}f} ± {sigma:.{places}f}{end}"
