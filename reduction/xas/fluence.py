"""Transient against pump fluence (paper, SI 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.xas.exposure_pairs import ExposurePairs, Gate, Intensity, exposure_pairs, gates_of, require_axis
from reduction.xas.gate_errors import gate_errors
from reduction.xas.grouping import scatter_ratio
from reduction.xas.laser_power import power_at
from reduction.xas.scatter import ScatterRatio
from reduction.xas.transient import FluenceScan, transient_metadata

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray, Mode, PairReference
    from reduction.values import Value

_OFFSET_POINTS = 2
_SCATTER_SCANS = 3


def fluence_scan(
    accumulator: RunAccumulator,
    mode: Mode = "spc",
    probe: int | None = None,
    reference: PairReference = "unpumped probe",
    *,
    zero_v: Value | None = None,
) -> FluenceScan:
    """Return the transient against fluence, mJ/cm2; by default of the pumped `probe`. Off is from the same exposure.

    Recipe, per scan: divide by I0; subtract the mean on - off difference of the two lowest fluences from on; divide on
    and off by the mean of the off scan. Then average over the scans that have both lowest points. Because even the
    lowest fluences pump a little, the transient is the signal minus its mean there: this changes the intercept of a
    line, but not its slope.

    The boxcar's electronic zero is a part of its mean off signal, to which the transient is relative: give `zero_v`, V,
    from `boxcar_zero` of an energy scan, which is subtracted with its error, unless the run has a calibration of its
    gates, whose zeros are subtracted. Without both `scale_known` is False, and the
    transient of the boxcar is a fraction of signal plus zero. Photons have no zero. Raises ReductionError for any other
    kind of run, or while no scan has three points.
    """
    run = accumulator.metadata
    require_axis(run, "fluence_mj_cm2", "fluence")
    probe = run.timing.pumped_probe if probe is None else probe
    volts = 0.0 if mode == "spc" or zero_v is None else zero_v.value
    gates = gates_of(reference, probe, run.timing)
    pairs = exposure_pairs(accumulator, mode, *gates, zero_v=volts)
    scans = _usable_scans(pairs)
    used = scans.used
    transient = _mean(scans.on - scans.off, used)
    covariance = scans.mean_covariance()

    def moved_transient(moved: RunAccumulator) -> FloatArray:
        """Return the mean transient of changed sums, shape (points,). Raises ReductionError if no scan is usable."""
        parts = _usable_scans(exposure_pairs(moved, mode, *gates, zero_v=volts))
        return _mean(parts.on - parts.off, parts.used)

    common = gate_errors(accumulator, mode, gates, moved_transient, transient)
    covariance = covariance + common.T @ common if common.size else covariance
    if mode == "boxcar" and zero_v is not None:
        # An error of the zero changes the level of every scan by the same share, and with it all points together.
        share = zero_v.sigma * _volts_per_level(accumulator, pairs, gates[1])
        covariance = covariance + share**2 * np.outer(transient, transient)
    return FluenceScan(
        # What the meter has read, not what the attenuator was set to: the transient need not be linear here.
        fluence_mj_cm2=pairs.axis * power_at(accumulator, pairs.axis),
        on=_mean(scans.on, used),
        off=_mean(scans.off, used),
        transient=transient,
        sigma=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        common=common,
        scale_known=mode == "spc"
        or run.detector_kind == "sdd"
        or zero_v is not None
        or (run.gates is not None and mode in run.gates.chains),
        sigma_scatter=scans.standard_error(),
        scatter=scans.scatter(),
        metadata=transient_metadata(
            accumulator, mode=mode, probe=probe, reference=reference, scans=len(used), offset="lowest fluences"
        ),
    )


def _volts_per_level(accumulator: RunAccumulator, pairs: ExposurePairs, off: Gate) -> float:
    """Return the share of the mean unpumped signal, 1/V, by which one volt of the zero changes it."""
    exposure_s = accumulator.exposure_s[:, :, off.laser_shutter].sum() * len(off.probes)
    return float(exposure_s / np.where(pairs.paired, pairs.off.signal, 0.0).sum())


def _usable_scans(pairs: ExposurePairs) -> _ScaledScans:
    """Scale the scans that have both lowest fluences and a third point."""
    usable = pairs.paired[:, :_OFFSET_POINTS].all(axis=1) & (pairs.paired.sum(axis=1) > _OFFSET_POINTS)
    if not usable.any():
        raise ReductionError(
            "No scan has the two lowest fluences, whose difference is the offset, and a third point yet. Wait for more."
        )
    on, off = (Intensity(part.value[usable], part.sigma[usable]) for part in pairs.each())
    return _ScaledScans.of(on, off, pairs.paired[usable], pairs.correlation()[usable])


@dataclass(frozen=True, kw_only=True)
class _ScaledScans:
    """On and off of each scan after offset and scale, and the covariance of on - off; (scans, points[, points]).

    With o the mean on - off of the two lowest points, l the mean off and n the points of a scan, d_i = (on_i - off_i -
    o) / l. Its derivatives with respect to the measured values are, with P subtracting the mean of the two lowest
    points, d d_i / d on_j = P_ij / l and d d_i / d off_j = -P_ij / l - d_i / (n l): the covariance is the sum of both
    parts, and of what the errors of on and off have in common (first-order propagation).
    """

    on: FloatArray
    off: FloatArray
    used: BoolArray
    covariance: FloatArray

    @classmethod
    def of(cls, on: Intensity, off: Intensity, used: BoolArray, correlation: FloatArray) -> _ScaledScans:
        """Return the scans scaled by their mean unpumped signal.

        All arguments have the shape (scans, points). Raises ReductionError if the mean unpumped signal of a scan is not
        above 0.
        """
        offset = (on.value - off.value)[:, :_OFFSET_POINTS].mean(axis=1, keepdims=True)
        number = used.sum(axis=1, keepdims=True)
        level = np.where(used, off.value, 0.0).sum(axis=1, keepdims=True) / number
        if level.min() <= 0:
            raise ReductionError(
                f"The mean unpumped signal of a scan is {level.min():.3g}, not above 0, so it cannot be the scale. "
                "Check the sign and the offset of the detector signal."
            )
        scaled_on = (on.value - offset) / level
        scaled_off = off.value / level
        points = used.shape[1]
        subtract = np.eye(points) - np.where(np.arange(points) < _OFFSET_POINTS, 1.0 / _OFFSET_POINTS, 0.0)
        by_on = subtract / level[:, :, None]
        by_off = -by_on - (scaled_on - scaled_off)[:, :, None] * (used / number / level)[:, None, :]
        covariance = _propagate(by_on, on.sigma) + _propagate(by_off, off.sigma)
        if correlation.any():
            both = ((correlation * on.sigma * off.sigma)[:, None, :] * by_on) @ by_off.transpose(0, 2, 1)
            covariance = covariance + both + both.transpose(0, 2, 1)
        return cls(
            on=scaled_on, off=scaled_off, used=used, covariance=covariance * (used[:, :, None] & used[:, None, :])
        )

    def mean_covariance(self) -> FloatArray:
        """Return the covariance of the mean transient over the scans, shape (points, points)."""
        number = self.used.sum(axis=0)
        return np.asarray(self.covariance.sum(axis=0) / np.outer(number, number))

    def standard_error(self) -> FloatArray | None:
        """Return the standard error of the mean transient from the scatter of the scans, shape (points,).

        None with fewer than three scans at a point.
        """
        number = self.used.sum(axis=0)
        if number.min() < _SCATTER_SCANS:
            return None
        squares = [np.where(self.used, (p - _mean(p, self.used)) ** 2, 0.0).sum(axis=0) for p in (self.on, self.off)]
        return np.asarray(np.sqrt(sum(squares) / (number - 1) / number))

    def scatter(self) -> ScatterRatio | None:
        """Return the scatter between scans relative to their errors; None for a single scan.

        Raises ReductionError as `scatter_ratio` does.
        """
        if len(self.used) < 2:
            return None
        # The transients of the two lowest points are equal and opposite, so one of them is left out.
        sigma = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        return scatter_ratio((self.on - self.off)[:, 1:], sigma[:, 1:], self.used[:, 1:])


def _propagate(jacobian: FloatArray, sigma: FloatArray) -> FloatArray:
    scaled = jacobian * sigma[:, None, :]
    return scaled @ scaled.transpose(0, 2, 1)


def _mean(table: FloatArray, used: BoolArray) -> FloatArray:
    return np.asarray(np.where(used, table, 0.0).sum(axis=0) / used.sum(axis=0))
