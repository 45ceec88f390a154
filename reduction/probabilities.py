"""Tails of the distributions behind p-values.

They are the functions of `scipy.special` by which `scipy.stats` computes the same numbers. Importing `scipy.stats`
takes 0.8 s, which every session and every window would spend before its first p-value.
"""

from __future__ import annotations

import math

import scipy


def chi_square_tail(chi_square: float, degrees_of_freedom: float) -> float:
    """Return the probability of a larger chi-square; NaN without degrees of freedom."""
    return float(scipy.special.chdtrc(degrees_of_freedom, chi_square)) if degrees_of_freedom > 0 else math.nan


def normal_tail(sigmas: float) -> float:
    """Return the probability of a value more than `sigmas` standard deviations above the mean."""
    return float(scipy.special.ndtr(-sigmas))


def normal_quantile(probability: float) -> float:
    """Return the number of standard deviations above the mean below which a value lies with `probability`."""
    return float(scipy.special.ndtri(probability))


def students_t_tail(t: float, degrees_of_freedom: float) -> float:
    """Return the probability of a larger value of Student's t."""
    return float(scipy.special.stdtr(degrees_of_freedom, -t))


def f_tail(ratio: float, added: float, degrees_of_freedom: float) -> float:
    """Return the probability of a larger F ratio, with `added` degrees of freedom above and the others below."""
    return float(scipy.special.fdtrc(added, degrees_of_freedom, ratio))
