"""What spectra by all gates of several runs have in addition to others: shares, whose errors are those of each run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reduction.probabilities import chi_square_tail
from reduction.values import Value
from reduction.xas.all_gates import AllGatesSpectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.types import FloatArray
    from reduction.xas.transient import Transient

_LEAST_P = 1e-300


def errors_of_calibration(part: Transient) -> FloatArray:
    """Return the rows of `common`, (errors, points), that runs with the same calibration of the gates share."""
    return part.common[len(part.shares) :] if isinstance(part, AllGatesSpectrum) else part.common


def as_one(parts: Sequence[AllGatesSpectrum], combined: AllGatesSpectrum) -> AllGatesSpectrum:
    """Return the `combined` curves of spectra with what they say together about shares and shapes.

    The shares are weighted means of all runs. Their errors are in the covariance, and no longer rows of `common`.
    """
    p_values = np.array([max(part.shape_p_value, _LEAST_P) for part in parts])
    return replace(
        combined,
        shares={probe: _mean([part.shares[probe] for part in parts]) for probe in parts[0].shares},
        variance_ratio=float(np.mean([part.variance_ratio for part in parts])),
        # Fisher's method: -2 ln p of independent tests adds up to a chi-square with 2 degrees of freedom for each.
        shape_p_value=chi_square_tail(float(-2.0 * np.log(p_values).sum()), 2 * len(parts)),
        squared_snr=sum(part.squared_snr for part in parts),
    )


def _mean(shares: Sequence[Value]) -> Value:
    """Return the weighted mean of values without unit."""
    weights = np.array([one.sigma**-2 for one in shares])
    return Value(float(weights @ [one.value for one in shares] / weights.sum()), float(weights.sum() ** -0.5))
