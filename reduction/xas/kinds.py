"""Kinds of runs: pump-probe absorption, foils, static spectra, and the scans that align the pump.

Each kind has a function that reduces its sums and one that makes a curve of them; `KINDS`, at the end, registers them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from errors import InputError, ReductionError
from reduction.accumulator import RunAccumulator
from reduction.run_kind import CurveChoice, RunCurve, RunKind, RunResults
from reduction.values import Value
from reduction.xas.attenuator import AttenuatorSums
from reduction.xas.calibration import find_edge, foil_absorption
from reduction.xas.calibration_plans import FOIL_PLAN
from reduction.xas.delay_axis import arm_rise_of_run, time_zero_of_run
from reduction.xas.dependence import DependenceSums
from reduction.xas.dependence_outliers import screened_dependence
from reduction.xas.fluence_kind import FLUENCE
from reduction.xas.foil_reference import FoilReference, aligned_edge
from reduction.xas.gate_kinds import GATES
from reduction.xas.map_kinds import MAP, SETTINGS
from reduction.xas.overlap import fit_overlap
from reduction.xas.pass_trends import time_zero_trend
from reduction.xas.results import (
    AttenuatorResults,
    DependenceResults,
    FoilResults,
    OverlapResults,
    SelfTestResults,
    StaticResults,
    TimeZeroResults,
)
from reduction.xas.run_checks import pump_probe_checks
from reduction.xas.screening import screened
from reduction.xas.signal_rise import fit_rise
from reduction.xas.spc_time import spc_trace
from reduction.xas.spectrum_kind import SPECTRUM
from reduction.xas.static_sums import StaticAccumulator
from reduction.xas.static_xas import measured_points, static_spectrum
from reduction.xas.trace_kind import TRACE, TRACE_CHOICES, trace_curve

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.types import Document
    from reduction.xas.foil_reference import AlignedEdge
    from reduction.xas.time_zero import TimeZeroFit

NO_FOIL_REFERENCE = (
    "The run records no reference of the foil: its steepest point need not be the tabulated edge (in lead it lies "
    "5.6 eV above). Align it with `align_foil` and a reference of the same metal."
)
"""Remark on the foil scans of version 0.2.0 and before."""


class _SelfTestSums(RunAccumulator):
    """Sums of one arm of the self-test, with the start document, which describes the arm."""

    def __init__(self) -> None:
        super().__init__()
        self.start: Document = {}

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document; raises ReductionError for an invalid one."""
        if name == "start":
            self.start = doc
        super().__call__(name, doc)


def _reduce_foil(run: RunAccumulator) -> RunResults:
    offset_ev = run.metadata.energy_calibration_offset_ev
    result = FoilResults(
        kind=FOIL.name,
        absorption=foil_absorption(run),
        axis_offset_ev=offset_ev,
        uid=run.metadata.uid,
        time_s=float(run.times_s.sum() / run.exposures.sum()),
    )
    try:
        result = replace(result, foil=find_edge(result.absorption))
    except ReductionError as error:
        result = replace(result, remarks=(f"No steepest point: {error}",))
    document = run.metadata.foil_reference
    if not document:
        # Without a reference, nobody can tell afterwards what the steepest point of a metal means.
        return replace(result, remarks=(*result.remarks, NO_FOIL_REFERENCE))
    try:
        result = replace(result, aligned=aligned_edge(result.absorption, FoilReference.from_document(document)))
    except ReductionError as error:
        return replace(result, remarks=(*result.remarks, f"No aligned edge: {error}"))
    return result if result.aligned is None else replace(result, remarks=result.remarks + _warnings(result.aligned))


def _warnings(found: AlignedEdge) -> tuple[str, ...]:
    return (found.reference.warning,) if found.reference.warning else ()


def _foil_curve(run: RunAccumulator, _: CurveChoice) -> RunCurve:
    found = foil_absorption(run)
    return RunCurve(
        uid=run.metadata.uid,
        axis="energy_ev",
        quantity="foil, ln(I0/I)",
        x=found.energy_ev,
        y=found.absorption,
        sigma=None,
    )


def _reduce_static(run: StaticAccumulator) -> RunResults:
    return StaticResults(kind=STATIC.name, spectrum=static_spectrum(run))


def _static_curve(run: StaticAccumulator, _: CurveChoice) -> RunCurve:
    """Return the normalised spectrum, 1/eV; while a window is not covered yet, the counts per I0."""
    try:
        points = static_spectrum(run).normalised
        quantity = "static spectrum (1/eV)"
    except ReductionError:
        points = measured_points(run)
        quantity = "counts per I0"
    return RunCurve(
        uid=str(run.start["uid"]),
        axis="energy_ev",
        quantity=quantity,
        x=points.energy_ev,
        y=points.intensity,
        sigma=points.sigma,
    )


def _reduce_time_zero(run: RunAccumulator) -> RunResults:
    axis_zero_raw_ps = run.metadata.time_zero_raw_ps
    result = TimeZeroResults(
        kind=TIME_ZERO.name, trace=spc_trace(run), timing=run.metadata.timing, axis_zero_raw_ps=axis_zero_raw_ps
    )
    try:
        found = time_zero_of_run(run)
    except (ReductionError, InputError) as error:
        return replace(result, remarks=(f"No time zero: {error}",))
    result = _with_drift(replace(result, time_zero=found), found, run)
    try:
        return replace(result, response=time_zero_of_run(run, free_irf=True).irf_sigma_ps)
    except ReductionError as error:
        remark = f"No instrument response from this scan alone: {error}"
        return replace(result, remarks=(*result.remarks, remark))


def _with_drift(result: TimeZeroResults, found: TimeZeroFit, run: RunAccumulator) -> TimeZeroResults:
    """Return the results with the trend of time zero; if it moved, its scatter between passes is in its error, ps."""
    moved = time_zero_trend(run, run.metadata.trace_mode, lambda delay_ps: found.curve(delay_ps) - found.baseline)
    if moved is None:
        return result
    result = replace(result, trends=(moved,))
    if not moved.alarm:
        return result
    t0_ps = Value(found.t0_ps.value, math.hypot(found.t0_ps.sigma, moved.scatter))
    return replace(result, time_zero=replace(found, t0_ps=t0_ps), remarks=(moved.remark,))


def _reduce_self_test(run: _SelfTestSums) -> RunResults:
    arm, rise = arm_rise_of_run(run.start, run)
    result = SelfTestResults(kind=SELF_TEST.name, arm=arm, delay_ps=rise.delay_ps, change=rise.change, sigma=rise.sigma)
    try:
        return replace(result, time_zero=fit_rise(rise))
    except ReductionError as error:
        return replace(result, remarks=(f"No rise: {error}",))


def _reduce_overlap(run: DependenceSums) -> RunResults:
    position_um, change, sigma = run.change()
    power = run.power()
    result = OverlapResults(
        kind=OVERLAP.name,
        axis=run.axis,
        position_um=position_um,
        change=change,
        sigma=sigma,
        remarks=() if power is None else power.remarks,
    )
    try:
        return replace(result, fit=fit_overlap(position_um, change, sigma))
    except (ReductionError, InputError) as error:
        return replace(result, remarks=(*result.remarks, f"No centre: {error}"))


def _reduce_dependence(run: DependenceSums) -> RunResults:
    position, change, sigma = run.change()
    power = run.power()
    return DependenceResults(
        kind=AXIS.name,
        axis=run.axis,
        position=position,
        change=change,
        sigma=sigma,
        power=power,
        remarks=() if power is None else power.remarks,
    )


def _dependence_curve(run: DependenceSums, _: CurveChoice) -> RunCurve:
    position, change, sigma = run.change()
    return RunCurve(
        uid=str(run.start["uid"]),
        axis=run.axis,
        quantity="transient, ln(pumped/unpumped)",
        x=position,
        y=change,
        sigma=sigma,
    )


def _reduce_attenuator(run: AttenuatorSums) -> RunResults:
    angle_deg, power_w, sigma_w = run.readings()
    return AttenuatorResults(kind=ATTENUATOR.name, angle_deg=angle_deg, power_w=power_w, sigma_w=sigma_w)


def _attenuator_curve(run: AttenuatorSums, _: CurveChoice) -> RunCurve:
    angle_deg, power_w, sigma_w = run.readings()
    return RunCurve(
        uid=str(run.start["uid"]), axis="waveplate", quantity="power (W)", x=angle_deg, y=power_w, sigma=sigma_w
    )


def _plan(name: str) -> Callable[[Document], bool]:
    """Return whether a start document is that of the plan `name`."""
    return lambda start: start.get("plan_name") == name


FOIL = RunKind(
    name="foil",
    is_kind=_plan(FOIL_PLAN),
    sums=lambda _: RunAccumulator(),
    reduce=_reduce_foil,
    curve=_foil_curve,
)
STATIC = RunKind(
    name="static spectrum",
    is_kind=_plan("static_energy_scan"),
    sums=lambda _: StaticAccumulator(),
    reduce=_reduce_static,
    curve=_static_curve,
)
TIME_ZERO = RunKind(
    name="time zero",
    is_kind=_plan("time_zero_scan"),
    sums=lambda _: RunAccumulator(),
    reduce=_reduce_time_zero,
    screen=screened,
    curve=trace_curve,
    choices=TRACE_CHOICES,
    checks=pump_probe_checks,
)
SELF_TEST = RunKind(
    name="self-test of the delay axis",
    is_kind=lambda start: "self_test" in start,
    sums=lambda _: _SelfTestSums(),
    reduce=_reduce_self_test,
    curve=trace_curve,
    choices=TRACE_CHOICES,
)
OVERLAP = RunKind(
    name="overlap",
    is_kind=_plan("overlap_scan"),
    sums=lambda _: DependenceSums(),
    reduce=_reduce_overlap,
    curve=_dependence_curve,
    screen=screened_dependence,
)
AXIS = RunKind(
    name="scan of an axis",
    is_kind=_plan("axis_scan"),
    sums=lambda _: DependenceSums(),
    reduce=_reduce_dependence,
    curve=_dependence_curve,
    screen=screened_dependence,
    seen_by=DependenceSums.seen_by,
    choices=frozenset(("detector",)),
)
ATTENUATOR = RunKind(
    name="attenuator",
    is_kind=_plan("calibrate_attenuator"),
    sums=lambda _: AttenuatorSums(),
    reduce=_reduce_attenuator,
    curve=_attenuator_curve,
)
KINDS = (MAP, SETTINGS, GATES, FOIL, STATIC, TIME_ZERO, SELF_TEST, OVERLAP, AXIS, ATTENUATOR, SPECTRUM, TRACE, FLUENCE)
"""Special kinds first: a foil scan is an energy scan too."""
