"""Errors of the pumped and unpumped spectra themselves, in which fluctuations of the jet do not cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.run_kind import pair_reference
from reduction.xas.energy_windows import points_within
from reduction.xas.exposure_pairs import exposure_pairs, gates_of

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray
    from reduction.xas.exposure_pairs import ExposurePairs
    from reduction.xas.transient import Spectrum


def jet_fluctuation(pairs: ExposurePairs) -> float:
    """Return the relative fluctuation of the unpumped signal from exposure to exposure, beyond counting noise.

    It follows from the scatter of every point between the scans, after each scan was scaled to the mean of all: what is
    common to a whole scan does not change the shape of a spectrum. All points are pooled, so that few scans suffice.
    Only points that occur in every scan with a pair are used. Raises ReductionError with fewer than two scans or two
    such points.
    """
    scans = pairs.paired.any(axis=1)
    points = pairs.paired[scans].all(axis=0)
    if scans.sum() < 2 or points.sum() < 2:
        raise ReductionError(
            f"{scans.sum()} scans with {points.sum()} common points do not show how much the jet fluctuates; two of "
            "each are needed. Measure one more scan."
        )
    part = pairs.off
    chosen = np.ix_(scans, points)
    logarithm = np.log(part.signal[chosen] / part.flux[chosen])
    counting = part.variance[chosen] / part.signal[chosen] ** 2
    residual = logarithm - logarithm.mean(axis=0) - logarithm.mean(axis=1, keepdims=True) + logarithm.mean()
    freedom = (residual.shape[0] - 1) * (residual.shape[1] - 1)
    # Subtracting the means of rows and columns takes the same share from both kinds of scatter.
    return float(np.sqrt(max(np.sum(residual**2) / freedom - counting.mean(), 0.0)))


def static_sigma(accumulator: RunAccumulator, spectrum: Spectrum) -> FloatArray:
    """Return the standard errors of `spectrum.off`, (points,), with the fluctuation of the jet, on its scale.

    `off_sigma` is the counting error alone, which is right in the transient: there the jet cancels, because both gates
    see the same exposure. In the unpumped spectrum it does not: each point has its own exposures, and its error is four
    to six times larger. The errors of offset and scale, which move all points together, are included. Raises
    ReductionError with fewer than two scans.
    """
    metadata = spectrum.metadata
    gates = gates_of(pair_reference(metadata.reference), metadata.probe, accumulator.metadata.timing)
    pairs = exposure_pairs(accumulator, metadata.mode, *gates)
    jet = jet_fluctuation(pairs)
    total = pairs.summed()[1]
    # The spectrum is an offset and a factor away from the rates; its counting errors know the factor alone.
    measured = np.isin(pairs.axis, spectrum.energy_ev)
    factor = spectrum.off_sigma / total.sigma[measured]
    exposures = pairs.paired.sum(axis=0)[measured]
    point = np.hypot(spectrum.off_sigma, jet * factor * total.value[measured] / np.sqrt(exposures))
    # The spectrum is 0 in the pre-edge and 1 in the post-edge on average: errors of these points move all others.
    windows = accumulator.metadata.windows
    zero = _mean_over(points_within(spectrum.energy_ev, windows.pre_edge_ev, "pre-edge"))
    one = _mean_over(points_within(spectrum.energy_ev, windows.post_edge_ev, "post-edge"))
    jacobian = np.eye(point.size) - zero - np.outer(spectrum.off, one - zero)
    return np.asarray(np.sqrt((jacobian**2) @ point**2))


def _mean_over(inside: BoolArray) -> FloatArray:
    """Return the weights (points,) of all points in the mean over a window."""
    return np.asarray(inside / inside.sum())
