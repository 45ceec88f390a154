"""Checks of the error bars: scatter between scans over counting error, and the null test."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.probabilities import chi_square_tail
from reduction.values import Value
from reduction.xas.boxcar_energy import scaled_scans
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN, Gate, Intensity, exposure_pairs, gates_of
from reduction.xas.gate_correlation import correlated_difference

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.timing import Timing
    from reduction.types import BoolArray, FloatArray, Mode, PairReference
    from reduction.xas.exposure_pairs import ExposurePairs
from reduction.xas.scatter import ScatterRatio

GATES_FOR_TAIL = 4
"""Gates that the test with the laser on needs: two that are compared, and two others for the rest of the signal."""


class NullPair(StrEnum):
    """Two gates whose signals must agree: the last two of a pump period, or the pumped and the last one.

    With the laser on, the remaining excitation is subtracted; with the laser blocked there is none.
    """

    UNPUMPED = "unpumped - unpumped"
    OFF = "off - off"
    PUMPED_OFF = "off - off of the transient"


class NullTest(NamedTuple):
    """Chi-square of two signals that must agree; a `p_value` below 0.001 means that they do not.

    `tail`: fraction of the transient that was subtracted before the test; None without one. `probes`: those of the two
    gates.
    """

    chi_square: float
    degrees_of_freedom: int
    p_value: float
    tail: Value | None = None
    probes: tuple[int, ...] = ()


def null_gates(pair: NullPair, timing: Timing) -> tuple[Gate, Gate, tuple[Gate, Gate] | None]:
    """Return both gates of a null test, and the pair that gives the remaining excitation, None without one.

    Raises ReductionError for a pump scheme with too few gates.
    """
    in_time = timing.probes_in_time
    if pair is NullPair.UNPUMPED:
        if len(in_time) < GATES_FOR_TAIL:
            raise ReductionError(
                f"The run has {len(in_time)} gates; this test needs {GATES_FOR_TAIL}: two late ones to compare, and "
                "two others that measure what the excitation has left in them."
            )
        # The gates of the tail must differ from the compared ones, whose noise would otherwise be fitted too. At
        # 7ID-D the tail between 460 and 613 ns is 4 % of the transient at Br K, significant after four scans of 30 s.
        late = Gate(SHUTTER_OPEN, in_time[-2]), Gate(SHUTTER_OPEN, in_time[-1])
        return *late, (Gate(SHUTTER_OPEN, timing.pumped_probe), Gate(SHUTTER_OPEN, in_time[-3]))
    first = timing.pumped_probe if pair is NullPair.PUMPED_OFF else in_time[-2]
    return Gate(SHUTTER_CLOSED, first), Gate(SHUTTER_CLOSED, in_time[-1]), None


def scan_transients(
    accumulator: RunAccumulator, mode: Mode, probe: int | None = None, reference: PairReference = "unpumped probe"
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the transient of every scan, its error, and whether it was measured; shape (scans, points) each.

    SPC: ln(on/off), in which jet and flux of the same exposure cancel; boxcar: on - off after the recipe of
    `boxcar_spectrum`, whose offset per scan forbids a ratio. Raises ReductionError as `exposure_pairs` and
    `scaled_scans` do.
    """
    run = accumulator.metadata
    probe = run.timing.pumped_probe if probe is None else probe
    pairs = exposure_pairs(accumulator, mode, *gates_of(reference, probe, run.timing))
    if mode == "spc":
        ratio, measured = _log_ratio(*pairs.each(), pairs.paired)
        return ratio.value, ratio.sigma, measured
    scans = scaled_scans(pairs, run.windows)
    sigma = correlated_difference(scans.on.sigma, scans.off.sigma, scans.correlation)
    return scans.on.value - scans.off.value, sigma, scans.used


def scatter_ratio(values: FloatArray, sigma: FloatArray, measured: BoolArray) -> ScatterRatio:
    """Return the root of chi-square per degree of freedom of the scans about their weighted mean at each point.

    All arguments have the shape (scans, points). The error of the ratio is 1 / sqrt(2 degrees of freedom), for normal
    data. Raises ReductionError unless a point was measured twice.
    """
    # Chi-square about weighted means has one degree of freedom less per point that was measured, so a point with a
    # single scan adds nothing. For normal data the root of chi-square / f has a relative error of 1 / sqrt(2 f).
    weight = np.divide(1.0, sigma**2, out=np.zeros_like(sigma), where=measured & (sigma > 0))
    total = weight.sum(axis=0)
    mean = np.divide((weight * values).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    number = (weight > 0).sum(axis=0)
    freedom = int(np.maximum(number - 1, 0).sum())
    if freedom == 0:
        raise ReductionError("The scatter between scans needs a point that was measured in two scans. Wait for more.")
    return ScatterRatio(
        float(np.sqrt((weight * (values - mean) ** 2).sum() / freedom)), (2.0 * freedom) ** -0.5, freedom
    )


def null_test(
    accumulator: RunAccumulator,
    mode: Mode = "spc",
    on: Gate | None = None,
    off: Gate | None = None,
    tail: tuple[Gate, Gate] | None = None,
) -> NullTest:
    """Return the comparison of two gates that must agree, by default the last two of a period, shutter closed.

    The logarithm of their ratio, summed over scans, must be one constant for all points: gates may differ in
    efficiency, but not with energy or delay. With the shutter open the later probes still see some remaining
    excitation, 5 % of the transient after 460 ns and less after 613 ns. The logarithm of the ratio of the two gates
    `tail`, of the same exposures, is then fitted and subtracted. These must differ from `on` and `off`, whose noise
    would otherwise be fitted too. Raises ReductionError without pairs or with too few points.
    """
    default = null_gates(NullPair.OFF, accumulator.metadata.timing)
    on = default[0] if on is None else on
    off = default[1] if off is None else off
    values, sigma, measured = _pair_ratio(accumulator, mode, on, off)
    probes = on.probe, off.probe
    constant = np.ones_like(values)
    if tail is None:
        freedom = _degrees_of_freedom(measured, 1)
        fit = _weighted_fit(constant[measured, None], values[measured], sigma[measured] ** 2)
        return NullTest(fit.chi_square, freedom, chi_square_tail(fit.chi_square, freedom), probes=probes)
    transient, transient_sigma, both = _pair_ratio(accumulator, mode, *tail)
    measured &= both
    freedom = _degrees_of_freedom(measured, 2)
    design = np.column_stack([constant, transient])[measured]
    fit = _weighted_fit(design, values[measured], sigma[measured] ** 2)
    # The subtracted transient has noise of its own, scaled by the fitted fraction. The fraction is not known before the
    # first fit, and small, so one more fit with the larger variance is enough.
    variance = sigma**2 + (fit.values[1] * transient_sigma) ** 2
    fit = _weighted_fit(design, values[measured], variance[measured])
    subtracted = Value(float(fit.values[1]), float(fit.sigma[1]))
    return NullTest(fit.chi_square, freedom, chi_square_tail(fit.chi_square, freedom), subtracted, probes)


def _degrees_of_freedom(measured: BoolArray, parameters: int) -> int:
    freedom = int(measured.sum()) - parameters
    if freedom < 1:
        raise ReductionError(
            f"The null test needs at least {parameters + 1} points with signal. Wait for more exposures."
        )
    return freedom


class _Fit(NamedTuple):
    values: FloatArray
    sigma: FloatArray
    chi_square: float


def _weighted_fit(design: FloatArray, y: FloatArray, variance: FloatArray) -> _Fit:
    covariance = np.linalg.pinv(design.T @ (design / variance[:, None]), hermitian=True)
    values = covariance @ (design.T @ (y / variance))
    return _Fit(values, np.sqrt(np.diag(covariance)), float(np.sum((y - design @ values) ** 2 / variance)))


def _pair_ratio(
    accumulator: RunAccumulator, mode: Mode, on: Gate, off: Gate
) -> tuple[FloatArray, FloatArray, BoolArray]:
    pairs: ExposurePairs = exposure_pairs(accumulator, mode, on, off)
    everywhere = np.ones(pairs.axis.shape, dtype=bool)
    ratio, measured = _log_ratio(*pairs.summed(), everywhere, pairs.correlation_of_sums())
    return ratio.value, ratio.sigma, measured


def _log_ratio(
    on: Intensity, off: Intensity, paired: BoolArray, correlation: FloatArray | float = 0.0
) -> tuple[Intensity, BoolArray]:
    measured = paired & (on.value > 0) & (off.value > 0)
    safe_on = np.where(measured, on.value, 1.0)
    safe_off = np.where(measured, off.value, 1.0)
    sigma = correlated_difference(on.sigma / safe_on, off.sigma / safe_off, correlation)
    return Intensity(np.log(safe_on / safe_off), np.where(measured, sigma, 0.0)), measured
