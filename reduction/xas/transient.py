"""Results of the reductions: transients against energy, delay or fluence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reduction.values import Value
from reduction.xas.gate_correlation import correlated_difference
from reduction.xas.gate_errors import with_common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.jet_shares import JetShares
    from reduction.types import FloatArray, Mode, Reference
    from reduction.xas.exposure_pairs import Intensity
    from reduction.xas.scatter import ScatterRatio


NOTHING = Value(0.0, 0.0)
"""Value of a correction that is not made: neither a value nor an error."""

INDEPENDENT = NOTHING
"""Correlation of signals whose errors are independent, or not known to be correlated."""


@dataclass(frozen=True, kw_only=True)
class TransientMetadata:
    """Origin of a transient.

    `reference`: "unpumped probe" (of the same pump period), "laser shutter" (the same probe, laser blocked), or "all
    gates" (the first, determined by every gate). `two_gates_reason`: why a spectrum is that of two gates where all were
    asked for, "" otherwise.
    `delay_ps`: delay of this probe, None for a trace; `delay_sigma_ps`: its error by that of the bunch period, 0 for
    the pumped pulse; `energy_ev`: the energy of a trace or a fluence scan, None for a
    spectrum. `main_feature_ev`: where the size of a spectrum is stated, None if the run does not give it. `scans`:
    scans that contributed. `offset`: source of the offsets between on and off. `detector` names a detector
    beside the first one; `weights` (elements,) are those of the sum over its elements. `beam_time_s`: time of all
    exposures, s; 0 if it is not known. `is_calibrated`: whether the run has zeros and gains of these gates.
    `jet`: how it weakens the fluorescence, None if the run does not state its geometry.
    """

    sample: str
    edge: str
    mode: Mode
    reference: Reference
    probe: int
    scans: int
    offset: str
    delay_ps: float | None = None
    delay_sigma_ps: float = 0.0
    energy_ev: float | None = None
    main_feature_ev: float | None = None
    detector: str = ""
    weights: tuple[float, ...] = ()
    beam_time_s: float = 0.0
    is_calibrated: bool = False
    jet: JetShares | None = None
    two_gates_reason: str = ""

    def sigma_after_hour(self, sigma: float) -> float:
        """Return what an error becomes by one more hour at the same points, in its unit; NaN without a beam time."""
        if not self.beam_time_s > 0:
            return math.nan
        return sigma * math.sqrt(self.beam_time_s / (self.beam_time_s + 3600.0))


def together(parts: Sequence[TransientMetadata]) -> TransientMetadata:
    """Return the origin of the mean of repeated measurements, at least one: that of the first, with the scans of all.

    The beam time is that of all, s, and 0 if one of them is not known.
    """
    times = [part.beam_time_s for part in parts]
    return replace(parts[0], scans=sum(part.scans for part in parts), beam_time_s=sum(times) if all(times) else 0.0)


def transient_metadata(
    accumulator: RunAccumulator, *, mode: Mode, probe: int, reference: Reference, scans: int, offset: str
) -> TransientMetadata:
    """Return the origin of a transient of `probe`; delay (ps) and energy (eV) from the mean read-back, unless scanned.

    Raises ReductionError if a fixed axis was never read.
    """
    # An axis that was scanned has no single value; the others have their mean read-back, not the planned value.
    run = accumulator.metadata
    fixed = {
        axis: float(accumulator.mean_readback(axis).mean()) for axis in ("delay_ps", "energy_ev") if axis != run.axis
    }
    return TransientMetadata(
        sample=run.sample,
        edge=run.edge,
        mode=mode,
        reference=reference,
        probe=probe,
        scans=scans,
        offset=offset,
        delay_ps=run.timing.delay_of(probe, fixed["delay_ps"]) if "delay_ps" in fixed else None,
        delay_sigma_ps=run.timing.delay_sigma_of(probe),
        energy_ev=None if run.axis == "energy_ev" else fixed["energy_ev"],
        main_feature_ev=run.main_feature_ev,
        detector=run.detector,
        weights=run.element_weights if mode == "spc" else run.weights_of_signal,
        beam_time_s=float(accumulator.exposure_s.sum()),
        is_calibrated=run.gates is not None and bool(run.gates.chains.get(mode) and run.gates.chains[mode].level),
        jet=run.jet,
    )


@dataclass(frozen=True, kw_only=True)
class Transient:
    """Signal with and without laser, and their difference; arrays (points,), sorted along the scanned axis.

    `transient` = `on` - `off`, without unit; the subclasses give the scale. `sigma`: its standard error, from counting
    (SPC) or from the measured variances (boxcar), and from the calibration of the gates. `common` (errors, points):
    change of all points by each error of that calibration; no rows without a calibration.
    """

    on: FloatArray
    off: FloatArray
    transient: FloatArray
    sigma: FloatArray
    metadata: TransientMetadata
    common: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True, kw_only=True)
class CurvesWithErrors(Transient):
    """A transient whose two curves have their own counting errors, `on_sigma` and `off_sigma`, (points,) each."""

    on_sigma: FloatArray
    off_sigma: FloatArray


def curves_of(
    on: Intensity, off: Intensity, common: FloatArray, correlation: FloatArray | float = 0.0
) -> dict[str, Any]:
    """Return the fields of `CurvesWithErrors` from the pumped and the unpumped signal, (points,) each.

    The errors of on and off are independent, or have a `correlation`; the variance of the transient is that of their
    difference, and that of the `common` errors, shape (errors, points).
    """
    return {
        "on": on.value,
        "on_sigma": on.sigma,
        "off": off.value,
        "off_sigma": off.sigma,
        "transient": on.value - off.value,
        "sigma": with_common(correlated_difference(on.sigma, off.sigma, correlation), common),
        "common": common,
    }


@dataclass(frozen=True, kw_only=True)
class Spectrum(CurvesWithErrors):
    """Transient against the energy, on the scale on which the off spectrum has a mean of 1 in the post-edge window.

    `energy_ev` (points,): mean read-back. `sigma_scatter` (points,): the error that the paper gives for boxcar
    transients, from the scatter of on and off between scans. It includes jet fluctuations, which cancel in the
    transient; None with fewer than three scans and for SPC. `correlation`: of the errors of on and off, which `sigma`
    contains; 0 for SPC, and where the scans do not show any. `covariance` (points, points) of the transient, with the
    errors of offsets and scales; None for the boxcar, unless several runs were combined or the spectrum was corrected:
    `transient_covariance` gives it then. `energy_sigma_ev`: error of all energies together by the foil scans, 0 without
    them. `absorption_loss`: the loss of fluorescence per edge step for which the spectrum was corrected, without unit;
    0 ± 0 for one that was not.
    """

    energy_ev: FloatArray
    sigma_scatter: FloatArray | None
    correlation: Value = INDEPENDENT
    covariance: FloatArray | None = None
    energy_sigma_ev: float = 0.0
    absorption_loss: Value = NOTHING


@dataclass(frozen=True, kw_only=True)
class Trace(CurvesWithErrors):
    """Transient against the delay, relative to the mean off signal at this energy.

    `first_delay_ps` (points,): mean read-back of the first probe's delay; `delay_ps` (points,): delay of this probe.
    `zero_at_ps`: the first delays at which the transient averages zero; may be empty. `covariance` (points, points) of
    the transient of several runs that were combined; None for a single run.
    """

    first_delay_ps: FloatArray
    delay_ps: FloatArray
    zero_at_ps: FloatArray
    covariance: FloatArray | None = None


@dataclass(frozen=True, kw_only=True)
class FluenceScan(Transient):
    """Transient against the pump fluence, relative to the mean off signal of each scan.

    `fluence_mj_cm2` (points,): mean read-back. `covariance` (points, points) of the transient: the subtraction of the
    two lowest points correlates all points, and makes the mean of these two exactly 0. `sigma_scatter` (points,): the
    error that the paper gives, standard errors of on and off over the scans, combined. It includes jet fluctuations,
    which cancel in the transient; None with fewer than three scans. `scatter`: scatter of the transients between scans
    over their counting error, None with one scan. `scale_known`: whether the off signal is that of the sample alone;
    the boxcar's contains the electronic zero unless that was subtracted.
    """

    fluence_mj_cm2: FloatArray
    covariance: FloatArray
    scale_known: bool
    sigma_scatter: FloatArray | None
    scatter: ScatterRatio | None
