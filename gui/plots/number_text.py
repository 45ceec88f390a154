"""Numbers as people write them: an error of two digits, and the value to the same place."""

from __future__ import annotations

import math


def with_error(value: float, sigma: float | None, unit: str = "") -> str:
    """`1.0235 ± 0.0012 eV`; without a finite error above 0 the value alone, to six digits."""
    end = f" {unit}" if unit else ""
    if sigma is None or not math.isfinite(sigma) or sigma <= 0 or not math.isfinite(value):
        return f"{value:.6g}{end}"
    places = 1 - math.floor(math.log10(sigma))
    if places > 8 or places < -4:
        return f"{value:.6g} ± {sigma:.2g}{end}"
    if places <= 0:
        return f"{round(value, places):.0f} ± {round(sigma, places):.0f}{end}"
    return f"{value:.{places}f} ± {sigma:.{places}f}{end}"


def delay_text(delay_ps: float) -> str:
    """A delay in ps, or in ns from 1000 ps on."""
    return f"{delay_ps:.4g} ps" if abs(delay_ps) < 999.5 else f"{delay_ps / 1e3:.4g} ns"


def age_text(age_s: float) -> str:
    """An age with one unit: 0.4 s, 12 s, 3 min, 2 h."""
    if age_s < 10:
        return f"{max(age_s, 0.0):.1f} s"
    if age_s < 120:
        return f"{age_s:.0f} s"
    return f"{age_s / 60:.0f} min" if age_s < 7200 else f"{age_s / 3600:.0f} h"
