"""Sections on the instrument: energy on the Pb foil, laser power, time zero, and the self-test of the delay axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from errors import ReductionError
from reduction.number_text import with_error
from reduction.xas.delay_axis import (
    REFERENCE,
    ArmResult,
    Verdict,
    arm_rise,
    judge_delay_axis,
    time_zero_of,
)
from reduction.xas.results import FoilResults
from trxas.validation.paper import published
from trxas.validation.paper.figures import foil_figure, rises_figure
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row, RowKind
from trxas.validation.types import Uids

FOIL_DWELL_S = 100.0
TIME_ZERO_DWELL_S = 60.0
SELF_TEST_DWELL_S = 60.0
"""Beam time per point; in the simulation points cost wall time, not their dwell."""

FOIL_REGIONS_EV = ((13_010, 13_030, 2), (13_030, 13_048, 0.25), (13_048, 13_060, 2))
"""Shoulder and steepest point of lead in fine steps."""

BEFORE = "as found"
AFTER = "as set"

FOIL_BEFORE = f"foil {BEFORE}"
FOIL_AFTER = f"foil {AFTER}"
ZERO_BEFORE = f"time zero {BEFORE}"
ZERO_AFTER = f"time zero {AFTER}"


def _measure_foil(session: SectionSession) -> Uids:
    plans = session.plans()

    def scan(key: str) -> str:
        plan = plans["foil_scan"](regions_ev=FOIL_REGIONS_EV, dwell_s=FOIL_DWELL_S, series="paper")
        return session.measure(key, plan)

    before = scan(FOIL_BEFORE)
    # The calibration of this scan is applied before the next one, as on the first day at a beamline. So the second scan
    # depends on the first, and the section cannot be resumed in the middle.
    offset_ev = StoredRuns(session.session.store, {FOIL_BEFORE: before}).foil(FOIL_BEFORE).offset_ev
    if offset_ev is None:
        raise ReductionError("The foil scan records no reference, so the energy axis cannot be calibrated by it.")
    session.session.measure_all(plans["apply_energy_calibration"](offset_ev.value, offset_ev.sigma))
    return {FOIL_BEFORE: before, FOIL_AFTER: scan(FOIL_AFTER)}


def _reduce_foil(runs: StoredRuns) -> SectionResult:
    found = {BEFORE: runs.foil(FOIL_BEFORE), AFTER: runs.foil(FOIL_AFTER)}
    errors_ev = [math.nan if one.edge_ev is None else one.edge_ev.sigma for one in found.values()]
    before = _edge_row("Pb foil edge, as found", found[BEFORE], errors_ev[0], runs.uids(FOIL_BEFORE))
    after = _edge_row("Pb foil edge, calibrated", found[AFTER], math.hypot(*errors_ev), runs.uids())
    # The edge as found depends on the beamline's offset, which no paper states. After the calibration it must be at its
    # energy; both scans then contribute to the error, as the offset was taken from the first.
    rows = (replace(before, expected=None), replace(after, expected_sigma=0.0, kind=RowKind.CONSISTENCY))
    drawing = Drawing(name="foil", caption="Pb foil before and after the energy calibration", figure=foil_figure(found))
    return SectionResult(rows=rows, drawings=(drawing,))


def _edge_row(name: str, found: FoilResults, sigma_ev: float, uids: tuple[str, ...]) -> Row:
    """Return the row of an edge, eV, with the error of the scans; the remark has steepest point and reference."""
    steepest = "" if found.foil is None else f"steepest point at {with_error(*found.foil.edge_ev)} eV"
    by = "" if found.aligned is None else f"; reference: {found.aligned.reference.text}, not in the error"
    return Row(
        name=name,
        unit="eV",
        expected=published.FOIL_EDGE_EV,
        value=None if found.edge_ev is None else found.edge_ev.value,
        sigma=sigma_ev,
        uids=uids,
        remark=f"{steepest}{by}",
    )


def _measure_attenuator(session: SectionSession) -> Uids:
    return {"attenuator": session.measure("attenuator", session.plans()["calibrate_attenuator"]())}


def _reduce_attenuator(_runs: StoredRuns) -> SectionResult:
    """Return nothing: the result is in the start documents of later runs, whose fluences are on its scale."""
    return SectionResult()


def _measure_time_zero(session: SectionSession) -> Uids:
    plans = session.plans()

    def scan(key: str) -> str:
        return session.measure(key, plans["time_zero_scan"](dwell_s=TIME_ZERO_DWELL_S, series="paper"))

    before = scan(ZERO_BEFORE)
    found = time_zero_of(StoredRuns(session.session.store, {"run": before}).documents("run"))
    # As with the foil: the second scan shows whether time zero, once set, is at 0.
    session.session.measure_all(plans["rezero"](found.t0_ps.value))
    after = scan(ZERO_AFTER)
    # The grid of the second scan lies around zero, so it measures the response best, for all traces that follow.
    documents = StoredRuns(session.session.store, {"run": after}).documents("run")
    response = time_zero_of(documents, free_irf=True).irf_sigma_ps
    session.session.measure_all(plans["apply_instrument_response"](response.value, response.sigma))
    return {ZERO_BEFORE: before, ZERO_AFTER: after}


def _reduce_time_zero(runs: StoredRuns) -> SectionResult:
    found = time_zero_of(runs.documents(ZERO_BEFORE))
    left = time_zero_of(runs.documents(ZERO_AFTER))
    response = time_zero_of(runs.documents(ZERO_AFTER), free_irf=True).irf_sigma_ps
    rows = (
        Row(
            name="time zero, as found",
            unit="ps",
            expected=None,
            truth="beam.time_zero_ps",
            value=found.t0_ps.value,
            sigma=found.t0_ps.sigma,
            uids=runs.uids(ZERO_BEFORE),
            remark=f"68 %: {found.interval.low:.1f} to {found.interval.high:.1f} ps",
        ),
        Row(
            name="time zero, set",
            kind=RowKind.CONSISTENCY,
            unit="ps",
            expected=0.0,
            expected_sigma=0.0,
            value=left.t0_ps.value,
            # The zero was set with the error of the first scan, and is found again with that of the second.
            sigma=math.hypot(found.t0_ps.sigma, left.t0_ps.sigma),
            uids=runs.uids(),
            remark="errors of both scans",
        ),
        Row(
            name="instrument response, sigma",
            unit="ps",
            expected=published.RESPONSE_PS,
            expected_sigma=published.rounded(1.0),
            truth="beam.irf_sigma_ps",
            value=response.value,
            sigma=response.sigma,
            uids=runs.uids(ZERO_AFTER),
            remark="fitted freely; the paper gives no error",
        ),
    )
    return SectionResult(rows=rows)


def _measure_self_test(session: SectionSession) -> Uids:
    uids = session.session.measure_all(session.plans()["delay_self_test"](dwell_s=SELF_TEST_DWELL_S, series="paper"))
    return {f"self-test {number}": uid for number, uid in enumerate(uids)}


def _reduce_self_test(runs: StoredRuns) -> SectionResult:
    documents = [runs.documents(name) for name in runs.names]
    arms = dict(arm_rise(run) for run in documents)
    results = judge_delay_axis(documents)
    # The runs were measured arm by arm, in the order of `documents`, so their uids follow the same order.
    uids = dict(zip(arms, runs.uids(), strict=True))
    drawing = Drawing(name="self-test", caption="Self-test of the delay axis", figure=rises_figure(arms, results))
    return SectionResult(rows=_arm_rows(results, uids), drawings=(drawing,), notes=(_self_test_text(results),))


def _arm_rows(results: Mapping[str, ArmResult], uids: Mapping[str, str]) -> tuple[Row, ...]:
    rows = []
    for name, result in results.items():
        if name == REFERENCE:
            continue
        # An arm without a rise has no shift, but its verdict says why, which must not be lost from the table.
        known = result.shift_ps is not None and result.shift_sigma_ps is not None
        row = Row(
            name=f"delay axis: {name} against {REFERENCE}",
            kind=RowKind.CONSISTENCY,
            unit="ps",
            expected=0.0,
            expected_sigma=0.0,
            value=result.shift_ps,
            sigma=result.shift_sigma_ps,
            uids=(uids[name], uids[REFERENCE]),
            remark=str(result.verdict) if known else f"no shift: {result.verdict}",
        )
        rows.append(row)
    return tuple(rows)


def _self_test_text(results: Mapping[str, ArmResult]) -> str:
    agree = all(result.verdict is Verdict.GOOD for result in results.values())
    verdict = "agree" if agree else "do not agree"
    return f"The rises made by the fine delay, the coarse delay, both, and the next X-ray pulse {verdict} on time zero."


SECTIONS: tuple[PaperSection, ...] = (
    PaperSection(name="foil", title="energy calibration on the Pb foil", measure=_measure_foil, reduce=_reduce_foil),
    PaperSection(
        name="attenuator",
        title="attenuator against the power meter",
        measure=_measure_attenuator,
        reduce=_reduce_attenuator,
    ),
    PaperSection(name="time-zero", title="time zero", measure=_measure_time_zero, reduce=_reduce_time_zero),
    PaperSection(
        name="self-test",
        title="self-test of the delay axis",
        measure=_measure_self_test,
        reduce=_reduce_self_test,
    ),
)
"""The sections of this module."""
