"""Spectrum of a later X-ray pulse from energy scans whose first delays differ: each pulse that it meets adds to it.

One bunch period is much longer than a first delay. So the pulse after the pumped one sees the sample at nearly the same
time in a scan at 100 ps and in one at 10 ns, and both scans measure the same spectrum, at another size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.xas.all_gates import spectrum_against
from reduction.xas.gate_shares import OTHER_SHAPE
from reduction.xas.reference_share import transient_ratio
from reduction.xas.transient import INDEPENDENT, Spectrum
from reduction.xas.transient_shape import compare_shapes, transient_covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray
    from reduction.values import Value
    from reduction.xas.kinetics.fit import KineticsFit

NEAR_PS = 0.1
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
    first, *others = (_best(run, probe) for run in runs)
    covariances = [
        transient_covariance(one, run.metadata.windows) for one, run in zip((first, *others), runs, strict=True)
    ]
    parts = [_Part(first.transient, covariances[0])]
    common = []
    for one, covariance in zip(others, covariances[1:], strict=True):
        _require_same(first, one)
        ratio = transient_ratio(decay, first.metadata, one.metadata)
        parts.append(_Part(ratio.value * one.transient, ratio.value**2 * covariance))
        common.append(_error_of_ratio(ratio, one))
    precision = np.array([1.0 / np.diag(part.covariance) for part in parts])
    weights = precision / precision.sum(axis=0)
    transient = np.sum([weight * part.transient for weight, part in zip(weights, parts, strict=True)], axis=0)
    rows = np.array([weight * row for weight, row in zip(weights[1:], common, strict=True)]).reshape(-1, transient.size)
    covariance = rows.T @ rows + np.sum(
        [weight[:, None] * part.covariance * weight for weight, part in zip(weights, parts, strict=True)], axis=0
    )
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
            scans=first.metadata.scans + sum(one.metadata.scans for one in others),
            beam_time_s=first.metadata.beam_time_s + sum(one.metadata.beam_time_s for one in others),
        ),
    )


class _Part(NamedTuple):
    """Transient of one run at the delay of the first, (points,), and its covariance, (points, points)."""

    transient: FloatArray
    covariance: FloatArray


def _best(run: RunAccumulator, probe: int) -> Spectrum:
    try:
        return spectrum_against(run, "spc", probe, "all gates")
    except ReductionError:
        # A transient that is too weak to see its shares is still one by two gates.
        return spectrum_against(run, "spc", probe, "unpumped probe")


def _error_of_ratio(ratio: Value, spectrum: Spectrum) -> FloatArray:
    return np.asarray(ratio.sigma * spectrum.transient)


def _require_same(first: Spectrum, other: Spectrum) -> None:
    if first.metadata.edge != other.metadata.edge or first.metadata.sample != other.metadata.sample:
        raise ReductionError("These runs have another edge or sample. Give scans of one edge of one sample.")
    if first.energy_ev.shape != other.energy_ev.shape or np.any(
        np.abs(first.energy_ev - other.energy_ev) > SAME_ENERGY_EV
    ):
        raise ReductionError("These runs have other energies. Give scans of one grid; their dwells may differ.")
    delays = [one.metadata.delay_ps or 0.0 for one in (first, other)]
    if abs(delays[0] - delays[1]) > NEAR_PS * delays[0]:
        raise ReductionError(
            f"The pulse comes {delays[0]:.6g} ps after the pump in one run and {delays[1]:.6g} ps in the other. Give "
            f"runs within {NEAR_PS:.0%} of each other."
        )
    shapes = compare_shapes(first, other)
    if shapes.p_value < OTHER_SHAPE:
        raise ReductionError(
            f"The spectra of this pulse differ in shape between the runs (p = {shapes.p_value:.1g}). Use each alone."
        )
