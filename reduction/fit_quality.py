"""Quality of a fit: chi-square with its p-value, and the mark of a bad fit."""

from __future__ import annotations

from reduction.probabilities import chi_square_tail

BAD_FIT_BELOW = 1e-3
"""p-value below which the points do not follow the fitted curve: noise alone does that once in a thousand fits."""


def p_value(chi_square: float, degrees_of_freedom: int) -> float:
    """Return the probability that noise alone gives a larger chi-square, 0 to 1; 1 without degrees of freedom."""
    return chi_square_tail(chi_square, degrees_of_freedom) if degrees_of_freedom > 0 else 1.0


def is_bad_fit(chi_square: float, degrees_of_freedom: int) -> bool:
    """Return whether the points do not follow the curve, so that values and errors of the fit cannot be trusted."""
    return p_value(chi_square, degrees_of_freedom) < BAD_FIT_BELOW


def quality_text(chi_square: float, degrees_of_freedom: int) -> str:
    """Return `52.3 / 48, p = 0.31`, with a mark if the points do not follow the curve."""
    text = f"{chi_square:.1f} / {degrees_of_freedom}, p = {p_value(chi_square, degrees_of_freedom):.2g}"
    return f"{text}  (BAD FIT: do not trust its errors)" if is_bad_fit(chi_square, degrees_of_freedom) else text
