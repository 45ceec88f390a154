"""Are the errors right? Scatter between scans over counting error, and the null test."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import chi2

from errors import ReductionError
from reduction.boxcar_energy import scaled_scans
from reduction.exposure_pairs import SHUTTER_CLOSED, Gate, Intensity, Mode, Reference, exposure_pairs, gates_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reduction.accumulator import RunAccumulator
    from reduction.exposure_pairs import ExposurePairs


_THIRD_UNPUMPED, _LAST_UNPUMPED = Gate(SHUTTER_CLOSED, 3), Gate(SHUTTER_CLOSED, 4)


class ScatterRatio(NamedTuple):
    """Scatter between scans over the counting error: 1 is photon-limited; `sigma` is the ratio's own error."""

    ratio: float
    sigma: float
    degrees_of_freedom: int


class NullTest(NamedTuple):
    """Chi-square of two signals that must agree; `p_value` below 0.001 says that they do not."""

    chi_square: float
    degrees_of_freedom: int
    p_value: float


def scan_transients(
    accumulator: RunAccumulator, mode: Mode, probe: int | None = None, reference: Reference = "unpumped probe"
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Transient of every scan, its error, and whether it was measured; (scans, points) each.

    SPC: ln(on/off), in which jet and flux of the same exposure cancel; boxcar: on - off after the recipe of
    `boxcar_spectrum`, whose offset per scan forbids a ratio. Raises ReductionError where these do.
    """
    run = accumulator.metadata
    probe = run.timing.pumped_probe if probe is None else probe
    pairs = exposure_pairs(accumulator, mode, *gates_of(reference, probe, run.timing))
    if mode == "spc":
        ratio, measured = _log_ratio(*pairs.each(), pairs.paired)
        return ratio.value, ratio.sigma, measured
    scans = scaled_scans(pairs, run.windows)
    return scans.on.value - scans.off.value, np.hypot(scans.on.sigma, scans.off.sigma), scans.used


def scatter_ratio(values: NDArray[np.float64], sigma: NDArray[np.float64], measured: NDArray[np.bool_]) -> ScatterRatio:
    """Root of chi-square per degree of freedom of the scans about their weighted mean at each point.

    All arguments (scans, points). The error of the ratio is 1 / sqrt(2 degrees of freedom), for normal data. Raises
    ReductionError unless a point was measured twice.
    """
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
    on: Gate = _THIRD_UNPUMPED,
    off: Gate = _LAST_UNPUMPED,
) -> NullTest:
    """Compare two gates that saw no laser, by default probes 3 and 4 with the shutter closed.

    The logarithm of their ratio, summed over scans, must be one constant for all points: gates may differ in
    efficiency, never with energy or delay. Raises ReductionError without pairs or with fewer than two points.
    """
    pairs: ExposurePairs = exposure_pairs(accumulator, mode, on, off)
    ratio, measured = _log_ratio(*pairs.summed(), np.ones(pairs.axis.shape, dtype=bool))
    freedom = int(measured.sum()) - 1
    if freedom < 1:
        raise ReductionError("The null test needs at least two points with signal. Wait for more exposures.")
    value, weight = ratio.value[measured], ratio.sigma[measured] ** -2.0
    chi_square = float(np.sum(weight * (value - np.average(value, weights=weight)) ** 2))
    return NullTest(chi_square, freedom, float(chi2.sf(chi_square, freedom)))


def _log_ratio(on: Intensity, off: Intensity, paired: NDArray[np.bool_]) -> tuple[Intensity, NDArray[np.bool_]]:
    measured = paired & (on.value > 0) & (off.value > 0)
    safe_on, safe_off = np.where(measured, on.value, 1.0), np.where(measured, off.value, 1.0)
    sigma = np.hypot(on.sigma / safe_on, off.sigma / safe_off)
    return Intensity(np.log(safe_on / safe_off), np.where(measured, sigma, 0.0)), measured
