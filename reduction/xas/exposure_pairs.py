"""On and off signals of the same points, with their variances and the flux behind each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.pileup import true_counts, true_counts_variance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.accumulator import RunAccumulator
    from reduction.gate_calibration import GateCalibration
    from reduction.run_metadata import RunMetadata
    from reduction.timing import Timing
    from reduction.types import BoolArray, FloatArray, Mode, PairReference

SHUTTER_CLOSED = 0
SHUTTER_OPEN = 1


class Gate(NamedTuple):
    """One probe under one state of the laser shutter (0 closed, 1 open); signals of `others` are added to its own."""

    laser_shutter: int
    probe: int
    others: tuple[int, ...] = ()

    @property
    def probes(self) -> list[int]:
        """All probes of the gate, its own first."""
        return [self.probe, *self.others]


class Signal(NamedTuple):
    """Signal (photons, or boxcar V s), its variance and the flux behind it, each (scans, points)."""

    signal: FloatArray
    variance: FloatArray
    flux: FloatArray


class Intensity(NamedTuple):
    """Signal per flux and its standard error, (points,) or (scans, points)."""

    value: FloatArray
    sigma: FloatArray


@dataclass(frozen=True, kw_only=True)
class ExposurePairs:
    """On and off signals of one run, sorted along the axis, without points that were never measured as a pair.

    `axis` (points,): mean read-back; `on`, `off`: (scans, points) each; `paired` (scans, points): whether both exist;
    `covariance` (scans, points) of both signals, as the frames of the boxcar state it, and 0 for counting.
    Sums take the same scans for on and off, so changes of jet and flux between scans affect both alike, and cancel in
    the transient.
    """

    axis: FloatArray
    on: Signal
    off: Signal
    paired: BoolArray
    covariance: FloatArray

    def correlation(self) -> FloatArray:
        """Return the correlation of the errors of on and off in every scan, shape (scans, points), -1 to 1."""
        return _correlation(self.covariance, self.on.variance, self.off.variance)

    def correlation_of_sums(self) -> FloatArray:
        """Return the correlation of the errors of `summed` on and off, (points,), -1 to 1."""
        tables = (self.covariance, self.on.variance, self.off.variance)
        return _correlation(*(np.where(self.paired, table, 0.0).sum(axis=0) for table in tables))

    @property
    def scans(self) -> int:
        """Number of scans with at least one pair."""
        return int(self.paired.any(axis=1).sum())

    def summed(self) -> tuple[Intensity, Intensity]:
        """Return on and off, (points,): the signals summed over the scans, divided by the summed fluxes."""
        return self._sum(self.on), self._sum(self.off)

    def each(self) -> tuple[Intensity, Intensity]:
        """Return on and off of every scan, shape (scans, points); meaningful where `paired`, 0 elsewhere."""
        return self._divide(*self.on), self._divide(*self.off)

    def _sum(self, part: Signal) -> Intensity:
        return self._divide(*(np.where(self.paired, table, 0.0).sum(axis=0) for table in part))

    @staticmethod
    def _divide(signal: FloatArray, variance: FloatArray, flux: FloatArray) -> Intensity:
        # The flux is taken as exact: the variance is that of the photons alone.
        inverse = np.divide(1.0, flux, out=np.zeros_like(flux), where=flux > 0)
        return Intensity(signal * inverse, np.sqrt(variance) * inverse)


REDUCED_BY: Mapping[str, str] = {
    "energy_ev": "spc_spectrum or boxcar_spectrum",
    "delay_ps": "spc_trace or fit_kinetics",
    "fluence_mj_cm2": "fluence_scan",
}
"""Functions that reduce a scan, by its axis; `reduce_run` knows all others."""


def require_axis(run: RunMetadata, axis: str, name: str) -> None:
    """Raise ReductionError unless the run scanned `axis`, in words `name`; the message says what reduces it."""
    if run.axis != axis:
        reduced_by = REDUCED_BY.get(run.axis, "reduce_run")
        raise ReductionError(f"This run scanned {run.axis}, not the {name}: reduce it with {reduced_by}.")


def gates_of(reference: PairReference, probe: int, timing: Timing) -> tuple[Gate, Gate]:
    """Return on and off gate of a transient of `probe`; raises ReductionError for an unknown reference or probe."""
    if not 0 <= probe < timing.probes_per_pump:
        raise ReductionError(f"There is no probe {probe}: choose 0 to {timing.probes_per_pump - 1}.")
    on = Gate(SHUTTER_OPEN, probe)
    if reference == "laser shutter":
        return on, Gate(SHUTTER_CLOSED, probe)
    if reference != "unpumped probe":
        raise ReductionError(
            f"The reference {reference!r} is not one of two gates: choose 'unpumped probe' or 'laser shutter'."
        )
    if probe in timing.reference_probes:
        raise ReductionError(f"Probe {probe} is itself the unpumped one: choose the reference 'laser shutter'.")
    return on, reference_gate(timing)


def reference_gate(timing: Timing) -> Gate:
    """Return the unpumped gate with the laser shutter open: the sum of all reference probes."""
    others = tuple(probe for probe in timing.reference_probes if probe != timing.unpumped_probe)
    return Gate(SHUTTER_OPEN, timing.unpumped_probe, others)


def exposure_pairs(
    accumulator: RunAccumulator, mode: Mode, on: Gate, off: Gate, *, zero_v: float = 0.0
) -> ExposurePairs:
    """Return the pairs of two gates from an accumulator, complete or not; shapes as in `ExposurePairs`.

    SPC signals are pile-up corrected photons of all photodiodes, their flux is I0 x opened gates / exposure time: the
    flux in the very pulses that were gated. Boxcar signals are (mean - `zero_v`, V) x exposure time, their flux I0.
    Both are corrected for zeros, laser light and gains of the gates if the run has a calibration of them.
    Raises ReductionError if the run lacks the mode or any pair.
    """
    # A point of a scan counts if both gates have flux. Points that were never measured as a pair are dropped, so that a
    # run that is under way reduces to the points it has; `paired` keeps the others out of sums scan by scan.
    signals = [gate_signal(accumulator, mode, gate, zero_v=zero_v) for gate in (on, off)]
    paired = np.asarray((signals[0].flux > 0) & (signals[1].flux > 0))
    axis = accumulator.mean_readback(accumulator.metadata.axis)
    order = np.argsort(axis, kind="stable")
    order = order[np.any(paired, axis=0, keepdims=True)[0, order]]
    if order.size == 0:
        raise ReductionError(
            f"No point has both {_name(on)} and {_name(off)} yet. Wait for more exposures, or change the reference."
        )
    first, second = (Signal(*(table[:, order] for table in signal)) for signal in signals)
    covariance = _covariance(accumulator, mode, on, off)[:, order]
    return ExposurePairs(axis=axis[order], on=first, off=second, paired=paired[:, order], covariance=covariance)


def _covariance(accumulator: RunAccumulator, mode: Mode, on: Gate, off: Gate) -> FloatArray:
    """Return the covariance of two gates of the boxcar, (scans, points), V2 s2; 0 for counting and other exposures."""
    total = np.zeros(accumulator.exposures.shape[:2])
    if mode == "spc" or on.laser_shutter != off.laser_shutter:
        return total
    gains = [_zero_and_gain(accumulator, mode, gate)[1] for gate in (on, off)]
    for one, gain in zip(on.probes, gains[0], strict=True):
        for other, other_gain in zip(off.probes, gains[1], strict=True):
            shared = accumulator.boxcar_integral_covariance(one, other)[:, :, on.laser_shutter]
            total = total + shared / (gain * other_gain)
    return np.asarray(total)


def _correlation(covariance: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    scale = np.sqrt(first * second)
    return np.asarray(np.clip(np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0), -1.0, 1.0))


def gate_signal(accumulator: RunAccumulator, mode: Mode, gate: Gate, *, zero_v: float = 0.0) -> Signal:
    """Return the signal of one gate, shape (scans, points), in the order of the grid; see `exposure_pairs`.

    Raises ReductionError if the run lacks the mode.
    """
    if mode not in accumulator.metadata.modes:
        raise ReductionError(f"The run has no {mode!r} data, only {accumulator.metadata.modes}. Choose another mode.")
    return _photons(accumulator, gate) if mode == "spc" else _volts(accumulator, gate, zero_v)


def _name(gate: Gate) -> str:
    state = "open" if gate.laser_shutter else "closed"
    return f"probe{'s' if gate.others else ''} {', '.join(map(str, gate.probes))} with the laser shutter {state}"


def _photons(accumulator: RunAccumulator, gate: Gate) -> Signal:
    counts = accumulator.counts[:, :, gate.laser_shutter][..., gate.probes]
    pulses = accumulator.pulses[:, :, gate.laser_shutter][..., gate.probes]
    exposure = accumulator.exposure_s[:, :, gate.laser_shutter, None]
    # I0 counts the whole exposure, a gate only its pulses: I0 x (gates opened / exposure time) is the flux in the gates
    # up to a constant, also if they opened for a part of the exposure only. The error of I0 is left out: it is common
    # to both gates of an exposure, in whose ratio it cancels. Photons and fluxes of several probes add up alike.
    live = np.divide(pulses, exposure, out=np.zeros_like(pulses), where=exposure > 0)
    weights = accumulator.element_weights
    zero, gain = _zero_and_gain(accumulator, "spc", gate)
    # A gate in which a photodiode was blind was not open for it: its photons are those of the others, scaled.
    live_gates = accumulator.live_pulses()[:, :, gate.laser_shutter][..., gate.probes]
    scale = _per_live_gate(accumulator, pulses, live_gates)
    photons = (weights * scale * true_counts(counts, live_gates)).sum(axis=-2)
    variance = ((weights * scale) ** 2 * true_counts_variance(counts, live_gates)).sum(axis=-2)
    return Signal(
        ((photons - zero * pulses) / gain).sum(axis=-1),
        (variance / gain**2).sum(axis=-1),
        (accumulator.i0[:, :, gate.laser_shutter, None] * live).sum(axis=-1),
    )


def _per_live_gate(accumulator: RunAccumulator, pulses: FloatArray, live: FloatArray) -> FloatArray | float:
    """Return gates opened per live gate, (..., apd, probes); exactly 1 for a run without a dead time."""
    if accumulator.metadata.dead_time_share == 0.0:
        return 1.0
    opened = pulses[..., None, :]
    return np.asarray(np.divide(opened, live, out=np.ones_like(live), where=live > 0))


def _volts(accumulator: RunAccumulator, gate: Gate, zero_v: float) -> Signal:
    exposure_s = accumulator.exposure_s[:, :, gate.laser_shutter, None]
    zero, gain = _zero_and_gain(accumulator, "boxcar", gate)
    integral = accumulator.boxcar_integral[:, :, gate.laser_shutter][..., gate.probes]
    variance = accumulator.boxcar_integral_variance[:, :, gate.laser_shutter][..., gate.probes]
    return Signal(
        ((integral - (zero + zero_v) * exposure_s) / gain).sum(axis=-1),
        (variance / gain**2).sum(axis=-1),
        accumulator.i0[:, :, gate.laser_shutter] * len(gate.probes),
    )


def _zero_and_gain(accumulator: RunAccumulator, mode: Mode, gate: Gate) -> tuple[FloatArray, FloatArray]:
    """Return zeros (points, probes) and gains (probes,) of a gate's probes: 0 and 1 without a calibration."""
    calibration = accumulator.metadata.gates
    if calibration is None or mode not in calibration.chains:
        return np.zeros((1, len(gate.probes))), np.ones(len(gate.probes))
    zero = zeros_of_run(accumulator, calibration, mode, gate.laser_shutter)
    return zero[:, gate.probes], calibration.chains[mode].gain[gate.probes]


def zeros_of_run(
    accumulator: RunAccumulator, calibration: GateCalibration, mode: Mode, laser_shutter: int
) -> FloatArray:
    """Return the zeros of all gates at the points of a run, shape (points, probes), V or photons per pulse.

    With the laser shutter open (1) they contain its light. All 0 before the first exposure.
    """
    if not accumulator.exposures.any():
        return np.zeros((len(accumulator.metadata.points), len(calibration.chains[mode].zero)))
    delay_ps = accumulator.mean_readback("delay_ps")
    fluence = accumulator.mean_readback("fluence_mj_cm2")
    return calibration.zeros(mode, delay_ps, fluence, laser=laser_shutter == SHUTTER_OPEN)
