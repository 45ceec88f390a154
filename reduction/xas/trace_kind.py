"""The kind of pump-probe delay scans: their traces with fits, as every detector of the run saw them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.detector_view import (
    seen_by,
    transient_detectors,
    with_default_detector,
)
from reduction.run_kind import ChoicePart, CurveChoice, RunCurve, RunKind, RunResults
from reduction.xas.combination.runs import combine_traces
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.choice import choose_kinetics
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel, kinetic_choice
from reduction.xas.laser_power import power_use
from reduction.xas.pass_trends import alarms_of, time_zero_trend, trends_of
from reduction.xas.results import (
    TraceResults,
)
from reduction.xas.run_checks import pump_probe_checks
from reduction.xas.screening import screened
from reduction.xas.spc_time import spc_trace

if TYPE_CHECKING:
    from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.pump_probe_scans import (
    UNPUMPED_IS_1,
    baseline_alarms,
    is_pump_probe,
    pump_probe_curve,
    setting_remarks,
    ungated_signals,
)

_TRACE = "pump-probe trace"

OTHER_MODELS = " Other models: reduce(-1, kinetics='1') for one lifetime, or kinetics='BIC' to compare them all."
"""End of the remark on a failed fit."""


def _decay(run: RunAccumulator) -> KineticsFit:
    # The best curve counts, not the limits of each lifetime, which would take seconds.
    return fit_kinetics(gate_rates(run), run.metadata.timing, intervals=False)


def _reduce_trace(run: RunAccumulator) -> RunResults:
    return _fit_trace(run, KineticModel.TWO_OFFSET)


def _fit_trace(run: RunAccumulator, kinetics: KineticModel | Criterion) -> RunResults:
    """Return the trace with a fit of one model, or of the one that a criterion chooses."""
    seen = with_default_detector(run)
    others = [one.name for one in transient_detectors(run.metadata.detectors)[1:]]
    ungated, reasons = ungated_signals(run)
    mode = seen.metadata.trace_mode
    trends = trends_of(seen, (mode,))
    result = TraceResults(
        kind=TRACE.name,
        trace=spc_trace(seen),
        scale_known=seen.metadata.scale_known,
        others=tuple(others),
        ungated=ungated,
        trends=tuple(trends),
        power=power_use(seen),
        remarks=(*baseline_alarms(seen, mode), *reasons, *alarms_of(trends), *setting_remarks(seen)),
    )
    timing = seen.metadata.timing
    try:
        rates = gate_rates(seen)
        result = replace(result, rates=(rates,), timing=timing, beam_time_s=float(seen.exposure_s.sum()))
        choice = None
        if isinstance(kinetics, Criterion):
            choice = choose_kinetics(rates, timing, criterion=kinetics)
            fit = choice.fit
        else:
            fit = fit_kinetics(rates, timing, model=kinetics)
    except ReductionError as error:
        remark = f"No fit of {kinetics.description}: {error}{OTHER_MODELS}"
        return replace(result, remarks=(*result.remarks, remark))
    moved = time_zero_trend(seen, mode, lambda delay_ps: fit.curve(delay_ps, probe=timing.pumped_probe))
    drifts = [] if moved is None else [moved]
    if moved is not None and moved.alarm:
        # The fit again, with what the passes show instead of what the configuration expects.
        drifting = replace(timing, time_zero_drift_ps=max(moved.scatter, timing.time_zero_drift_ps))
        fit = fit_kinetics(rates, drifting, model=fit.model)
    return replace(
        result, fit=fit, choice=choice, trends=(*trends, *drifts), remarks=(*result.remarks, *alarms_of(drifts))
    )


def trace_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    """Return the chosen curve of a delay scan, unpumped = 1; raises ReductionError for the boxcar of the exposure."""
    if choice.mode != "spc" and not choice.detector:
        raise ReductionError("Delay scans are reduced from counted photons. Choose photon counting.")
    found = spc_trace(run, choice.probe, choice.pair_reference)
    return pump_probe_curve(run, found.delay_ps, found, choice, UNPUMPED_IS_1)


TRACE_CHOICES: frozenset[ChoicePart] = frozenset(("curve", "probe", "reference"))
"""Choices that `trace_curve` follows: delay scans are reduced from counted photons."""

TRACE = RunKind(
    name=_TRACE,
    is_kind=is_pump_probe("delay_ps"),
    sums=lambda _: RunAccumulator(),
    reduce=_reduce_trace,
    curve=trace_curve,
    refit=lambda run, kinetics: _fit_trace(run, kinetic_choice(kinetics)),
    screen=screened,
    seen_by=seen_by,
    choices=TRACE_CHOICES | {"detector"},
    combine=lambda runs, choice: combine_traces(_TRACE, runs, choice),
    decay=_decay,
    checks=pump_probe_checks,
)
