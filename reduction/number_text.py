"""Numbers as text: an error with two digits, the value to the same place, and a unit."""

from __future__ import annotations

import math

_PLACES = range(-4, 9)
"""Decimal places up to which numbers are written out."""

SMALL = 1e-4
"""Numbers below this are written with a power of ten: many zeros after the point are hard to count."""


def with_error(value: float, sigma: float | None, unit: str = "") -> str:
    """Return `1.0235 ± 0.0012 eV`; without a finite error above 0 the value alone, to six digits.

    Small numbers share a power of ten: `(5.36 ± 0.14)e-06`.
    """
    end = f" {unit}" if unit else ""
    if sigma is None or not math.isfinite(sigma) or sigma <= 0 or not math.isfinite(value):
        return f"{value:.6g}{end}"
    largest = max(abs(value), sigma)
    if largest < SMALL:
        power = math.floor(math.log10(largest))
        return f"({with_error(value / 10.0**power, sigma / 10.0**power)})e{power:+03d}{end}"
    places = 1 - math.floor(math.log10(sigma))
    if places not in _PLACES:
        return f"{value:.{_digits(value, sigma)}g} ± {sigma:.2g}{end}"
    # Adding 0 turns -0.0, which would be printed with its sign, into 0.
    rounded = round(value, places) + 0.0
    return f"{rounded:.{max(0, places)}f} ± {round(sigma, places):.{max(0, places)}f}{end}"


def rounded(value: float, sigma: float) -> float:
    """Return a value rounded to the second digit of its error, but to no fewer than two digits of its own.

    For a label that has no room for the error. Without a finite error above 0 the value is returned as it is.
    """
    if not (math.isfinite(sigma) and sigma > 0 and math.isfinite(value)):
        return value
    return float(f"{value:.{_digits(value, sigma)}g}")


def _digits(value: float, sigma: float) -> int:
    """Return how many digits a value has down to the second one of its error; at least two."""
    if value == 0:
        return 2
    return max(2, math.floor(math.log10(abs(value))) - math.floor(math.log10(sigma)) + 2)


def delay_text(delay_ps: float) -> str:
    """Return a delay in ps, or in ns from 1000 ps on, with four digits."""
    return f"{delay_ps:.4g} ps" if abs(delay_ps) < 999.5 else f"{delay_ps / 1e3:.4g} ns"
