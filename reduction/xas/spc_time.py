"""Time traces from single-photon counting (paper, SI 5), or from another gated detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reduction.detector_view import with_default_detector
from reduction.xas.exposure_pairs import (
    SHUTTER_CLOSED,
    ExposurePairs,
    Gate,
    Intensity,
    exposure_pairs,
    gates_of,
    require_axis,
)
from reduction.xas.gate_errors import gate_errors
from reduction.xas.laser_power import at_nominal, power_at
from reduction.xas.transient import Trace, curves_of, transient_metadata

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.timing import Timing
    from reduction.types import BoolArray, FloatArray, PairReference

_BEFORE_IN_SIGMA = 4.0


def before_pump(delay_ps: FloatArray, timing: Timing) -> BoolArray:
    """Return a mask of the delays (ps) before the pump by more than four widths of the instrument response.

    With four widths, a time zero that is wrong by 60 ps still leaves less than 0.5 % of the signal there.
    """
    return np.asarray(delay_ps < -_BEFORE_IN_SIGMA * timing.irf_sigma_ps)


def spc_trace(
    accumulator: RunAccumulator, probe: int | None = None, reference: PairReference = "unpumped probe"
) -> Trace:
    """Return the trace of a delay scan by photon counting; `probe` is the pumped one by default.

    A run that is `seen_by` another gated detector has the trace of that one; without a detector that counts, the first
    of the list is taken.

    Recipe: correct pile-up, sum over scans, divide by the total flux; divide on and off by the mean off signal, so
    that the unpumped sample at this energy is 1; subtract separate offsets from on and off so that both average 1,
    and the transient 0, at the delays before the pump. A probe that comes after the pump at every delay has no such
    delays: the difference between its gate and the unpumped one is then taken from exposures with the shutter closed,
    or not corrected if there are none. `metadata.offset` is "negative delays", "closed shutter" or "none". For
    lifetimes use `fit_kinetics`, which needs none of these offsets. Raises ReductionError if there is no pair.
    """
    accumulator = with_default_detector(accumulator)
    run = accumulator.metadata
    require_axis(run, "delay_ps", "delay")
    probe = run.timing.pumped_probe if probe is None else probe
    on_gate, off_gate = gates_of(reference, probe, run.timing)
    pairs = exposure_pairs(accumulator, run.trace_mode, on_gate, off_gate)
    delay = run.timing.delay_of(probe, 0.0) + pairs.axis
    # `pairs.axis` is the delay that events state; the pulse of the probe comes at its own distance from that.
    early = before_pump(delay, run.timing)
    power = power_at(accumulator, pairs.axis)
    on, off, origin = _on_and_off(accumulator, (on_gate, off_gate), early, power)

    def transient(moved: RunAccumulator) -> FloatArray:
        """Return pumped minus unpumped signal of changed sums at each delay, shape (points,)."""
        parts = _on_and_off(moved, (on_gate, off_gate), early, power)
        return parts[0].value - parts[1].value

    errors = gate_errors(accumulator, run.trace_mode, (on_gate, off_gate), transient, on.value - off.value)
    return Trace(
        first_delay_ps=pairs.axis,
        delay_ps=delay,
        **curves_of(on, off, errors),
        zero_at_ps=pairs.axis[early],
        metadata=transient_metadata(
            accumulator, mode=run.trace_mode, probe=probe, reference=reference, scans=pairs.scans, offset=origin
        ),
    )


def _on_and_off(
    accumulator: RunAccumulator, gates: tuple[Gate, Gate], early: BoolArray, power: FloatArray
) -> tuple[Intensity, Intensity, str]:
    """Return on at the nominal power and off, (points,) each, after scale and offsets, and their source."""
    on, off = exposure_pairs(accumulator, accumulator.metadata.trace_mode, *gates).summed()
    level = off.value.mean()
    on, off = (Intensity(part.value / level, part.sigma / level) for part in (on, off))
    on_offset, off_offset, origin = _offsets(on, off, early, _dark_pairs(accumulator, *gates))
    on, off = on._replace(value=on.value - on_offset), off._replace(value=off.value - off_offset)
    # Without an offset the difference of the gates is part of the transient, and must not be scaled.
    return (on if origin == "none" else at_nominal(on, off, power)), off, origin


def _dark_pairs(accumulator: RunAccumulator, on: Gate, off: Gate) -> ExposurePairs | None:
    if off.laser_shutter == SHUTTER_CLOSED or not accumulator.exposures[:, :, SHUTTER_CLOSED].any():
        return None
    mode = accumulator.metadata.trace_mode
    return exposure_pairs(accumulator, mode, on._replace(laser_shutter=0), off._replace(laser_shutter=0))


def _offsets(on: Intensity, off: Intensity, early: BoolArray, dark: ExposurePairs | None) -> tuple[float, float, str]:
    # Gates differ in efficiency by a few per cent, more than the transient itself, so on and off need an offset that
    # does not come from the signal: delays before the pump if there are any, or else the same gates without laser.
    if early.any():
        return float(on.value[early].mean() - 1.0), float(off.value[early].mean() - 1.0), "negative delays"
    if dark is None:
        return 0.0, 0.0, "none"
    dark_on, dark_off = dark.summed()
    return float(dark_on.value.mean() / dark_off.value.mean() - 1.0), 0.0, "closed shutter"
