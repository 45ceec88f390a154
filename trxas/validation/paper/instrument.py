"""Parts for the instrument: energy on the Pb foil, laser power, time zero, and the delay axis tested against itself."""

from __future__ import annotations

import math

from plans.xas.delay_self_test import REFERENCE, Verdict
from reduction.values import Value
from reduction.xas.calibration import FoilEdge, find_edge, foil_absorption
from trxas.results.delay_axis import arm_rise, judge_delay_axis, time_zero_of
from trxas.session.session import Session
from trxas.validation.paper import published
from trxas.validation.paper.campaign import Drawing, Part, PartResult
from trxas.validation.paper.figures import foil_figure, rises_figure
from trxas.validation.paper.stored_runs import StoredRuns, Uids
from trxas.validation.paper.table import Row

FOIL_DWELL_S, TIME_ZERO_DWELL_S, SELF_TEST_DWELL_S = 100.0, 60.0, 60.0
"""Beam time per point; the simulation's points cost wall time, not their dwell."""

FOIL_REGIONS_EV = ((13_020, 13_030, 1), (13_030, 13_040, 0.2), (13_040, 13_050, 1))
FOIL_HALF_WIDTH_EV = 2.0
"""Finer and nearer to the edge than usual: over 3 eV the fit's polynomial is 0.05 eV off, over 2 eV it follows."""

BEFORE, AFTER = "as found", "as set"


def _measure_foil(session: Session) -> Uids:
    plans = session.plans()
    before = session.measure(plans["foil_scan"](regions_ev=FOIL_REGIONS_EV, dwell_s=FOIL_DWELL_S, series="paper"))
    edge = _stored_edge(StoredRuns(session.store, {"foil": before}), "foil")
    session.measure_all(plans["apply_energy_calibration"](edge.offset_to(published.FOIL_EDGE_EV).value))
    after = session.measure(plans["foil_scan"](regions_ev=FOIL_REGIONS_EV, dwell_s=FOIL_DWELL_S, series="paper"))
    return {f"foil {BEFORE}": before, f"foil {AFTER}": after}


def _stored_edge(runs: StoredRuns, name: str) -> FoilEdge:
    return find_edge(foil_absorption(runs.scan(name)), half_width_ev=FOIL_HALF_WIDTH_EV)


def _reduce_foil(runs: StoredRuns) -> PartResult:
    edges = {when: _stored_edge(runs, f"foil {when}") for when in (BEFORE, AFTER)}
    found, left = (edges[when].edge_ev for when in (BEFORE, AFTER))
    sigma = math.hypot(found.sigma, left.sigma)
    rows = (
        _exact("Pb foil edge, as found", "eV", published.FOIL_EDGE_EV, found, runs.uids(f"foil {BEFORE}"), sigma=None),
        _exact(
            "Pb foil edge, calibrated",
            "eV",
            published.FOIL_EDGE_EV,
            Value(left.value, sigma),
            runs.uids(),
            remark="errors of both scans",
        ),
    )
    spectra = {when: foil_absorption(runs.scan(f"foil {when}")) for when in edges}
    drawing = Drawing("foil", "Pb foil before and after the energy calibration", foil_figure(spectra, edges))
    return PartResult(rows, (drawing,))


def _measure_attenuator(session: Session) -> Uids:
    return {"attenuator": session.measure(session.plans()["calibrate_attenuator"]())}


def _reduce_attenuator(_runs: StoredRuns) -> PartResult:
    """The result is in the start documents of later runs; fluences are read back on its scale."""
    return PartResult()


def _measure_time_zero(session: Session) -> Uids:
    plans = session.plans()
    before = session.measure(plans["time_zero_scan"](dwell_s=TIME_ZERO_DWELL_S, series="paper"))
    found = time_zero_of(StoredRuns(session.store, {"run": before}).documents("run"))
    session.measure_all(plans["rezero"](found.t0_ps.value))
    after = session.measure(plans["time_zero_scan"](dwell_s=TIME_ZERO_DWELL_S, series="paper"))
    return {f"time zero {BEFORE}": before, f"time zero {AFTER}": after}


def _reduce_time_zero(runs: StoredRuns) -> PartResult:
    found, left = (time_zero_of(runs.documents(f"time zero {when}")) for when in (BEFORE, AFTER))
    response = time_zero_of(runs.documents(f"time zero {AFTER}"), free_irf=True).irf_sigma_ps
    sigma = math.hypot(found.t0_ps.sigma, left.t0_ps.sigma)
    interval = f"68 %: {found.low_ps:.1f} to {found.high_ps:.1f} ps"
    rows = (
        _exact("time zero, as found", "ps", 0.0, found.t0_ps, runs.uids(f"time zero {BEFORE}"), interval, sigma=None),
        _exact("time zero, set", "ps", 0.0, Value(left.t0_ps.value, sigma), runs.uids(), "errors of both scans"),
        _exact(
            "instrument response, sigma",
            "ps",
            published.RESPONSE_PS,
            response,
            runs.uids(f"time zero {AFTER}"),
            "fitted freely; the paper gives no error",
            sigma=None,
        ),
    )
    return PartResult(rows)


def _measure_self_test(session: Session) -> Uids:
    uids = session.measure_all(session.plans()["delay_self_test"](dwell_s=SELF_TEST_DWELL_S, series="paper"))
    return {f"self-test {number}": uid for number, uid in enumerate(uids)}


def _reduce_self_test(runs: StoredRuns) -> PartResult:
    documents = [runs.documents(name) for name in runs.names]
    arms = dict(arm_rise(run) for run in documents)
    results = judge_delay_axis(documents)
    uids = dict(zip(arms, runs.uids(), strict=True))
    rows = []
    for name, result in results.items():
        if name == REFERENCE:
            continue
        known = result.shift_ps is not None and result.shift_sigma_ps is not None
        rows.append(
            Row(
                f"delay axis: {name} against {REFERENCE}",
                "ps",
                0.0,
                0.0,
                result.shift_ps,
                result.shift_sigma_ps,
                (uids[name], uids[REFERENCE]),
                str(result.verdict) if known else f"no shift: {result.verdict}",
            )
        )
    good = all(result.verdict is Verdict.GOOD for result in results.values())
    said = "agree" if good else "do not agree"
    note = (
        f"The rise made by the fine delay, the coarse delay, both, and the next X-ray pulse: they {said} on time zero."
    )
    return PartResult(
        tuple(rows), (Drawing("self-test", "Self-test of the delay axis", rises_figure(arms, results)),), (note,)
    )


def _exact(
    name: str,
    unit: str,
    expected: float,
    measured: Value,
    uids: tuple[str, ...],
    remark: str = "",
    *,
    sigma: float | None = 0.0,
) -> Row:
    """A row whose expected value is exact; with `sigma` None it need not be met, so that it has no pull."""
    return Row(name, unit, expected, sigma, measured.value, measured.sigma, uids, remark)


PARTS: tuple[Part, ...] = (
    Part("foil", "energy calibration on the Pb foil", _measure_foil, _reduce_foil),
    Part("attenuator", "attenuator against the power meter", _measure_attenuator, _reduce_attenuator),
    Part("time-zero", "time zero", _measure_time_zero, _reduce_time_zero),
    Part("self-test", "self-test of the delay axis", _measure_self_test, _reduce_self_test),
)
"""Parts of this module."""
