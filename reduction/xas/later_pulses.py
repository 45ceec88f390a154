"""Spectrum of a later X-ray pulse from energy scans whose first delays differ: all of them contribute to it.

One bunch period is much longer than a first delay. So the pulse after the pumped one sees the sample at nearly the same
time in a scan at 100 ps and in one at 10 ns, and both scans measure the same spectrum, at another size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.xas.all_gates import best_spectrum
from reduction.xas.gate_shares import OTHER_SHAPE
from reduction.xas.reference_share import transient_ratio
from reduction.xas.transient import INDEPENDENT, Spectrum
from reduction.xas.transient_shape import compare_shapes, transient_covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.xas.kinetics.fitted import KineticsFit

LARGEST_DISTANCE = 0.1
"""Largest distance between the delays of the pulse in two runs, relative to the delay itself."""

SAME_ENERGY_EV = 0.05


def later_pulse_spectrum(runs: Sequence[RunAccumulator], decay: KineticsFit, probe: int = 1) -> Spectrum:
    """Return the transient of a later `probe` by photon counting, at its delay in the first of the `runs`.

    Every run is reduced by itself, by all gates where these help. The others are multiplied by the ratio of the
    transients at both delays, by the `decay` of a delay scan; its error is part of the result, and at delays that are
    near each other it hardly matters. Points are weighted by their variances, so that runs may have counted longer at
    other energies. The shapes are compared first. Raises ReductionError for runs of another edge, on other energies or
    at delays further apart, for shapes that differ, and as `spc_spectrum`.
    """
    spectra = [best_spectrum(run, "spc", probe) for run in runs]
    first = spectra[0]
    transients = [first.transient]
    covariances = [transient_covariance(first, runs[0].metadata.windows)]
    by_ratio = [np.zeros_like(first.transient)]
    for run, one in zip(runs[1:], spectra[1:], strict=True):
        _require_same(first, one)
        ratio = transient_ratio(decay, first.metadata, one.metadata)
        transients.append(ratio.value * one.transient)
        covariances.append(ratio.value**2 * transient_covariance(one, run.metadata.windows))
        by_ratio.append(ratio.sigma * one.transient)
    precision = np.array([1.0 / np.diag(one) for one in covariances])
    weights = precision / precision.sum(axis=0)
    transient = np.sum(weights * np.array(transients), axis=0)
    # The error of a ratio moves all points of its run together.
    rows = (weights * np.array(by_ratio))[1:]
    counted = (weight[:, None] * one * weight for weight, one in zip(weights, covariances, strict=True))
    covariance = rows.T @ rows + np.sum(list(counted), axis=0)
    return Spectrum(
        energy_ev=first.energy_ev,
        on=first.off + transient,
        on_sigma=first.on_sigma,
        off=first.off,
        off_sigma=first.off_sigma,
        transient=transient,
        sigma=np.sqrt(np.diag(covariance)),
        common=rows,
        sigma_scatter=None,
        correlation=INDEPENDENT,
        covariance=covariance,
        metadata=replace(
            first.metadata,
            scans=sum(one.metadata.scans for one in spectra),
            beam_time_s=sum(one.metadata.beam_time_s for one in spectra),
        ),
    )


def _require_same(first: Spectrum, other: Spectrum) -> None:
    if first.metadata.edge != other.metadata.edge or first.metadata.sample != other.metadata.sample:
        raise ReductionError("These runs differ in edge or sample. Give scans of one edge of one sample.")
    if first.energy_ev.shape != other.energy_ev.shape or np.any(
        np.abs(first.energy_ev - other.energy_ev) > SAME_ENERGY_EV
    ):
        raise ReductionError("These runs differ in their energies. Give scans of one grid; their dwells may differ.")
    delays = [one.metadata.delay_ps or 0.0 for one in (first, other)]
    if abs(delays[0] - delays[1]) > LARGEST_DISTANCE * delays[0]:
        raise ReductionError(
            f"The pulse comes {delays[0]:.6g} ps after the pump in one run and {delays[1]:.6g} ps in the other. Give "
            f"runs within {LARGEST_DISTANCE:.0%} of each other."
        )
    shapes = compare_shapes(first, other)
    if shapes.p_value < OTHER_SHAPE:
        raise ReductionError(
            f"The spectra of this pulse differ in shape between the runs (p = {shapes.p_value:.1g}). Use each alone."
        )
