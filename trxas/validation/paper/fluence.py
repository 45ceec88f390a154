"""The part with fluence dependences: both edges, their linear regime and its end."""

from __future__ import annotations

import math

from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import LINEAR_TO_MJ_CM2, FluenceFit, fit_fluence
from trxas.results.figures import fluence_figure
from trxas.session.session import Session
from trxas.validation.paper.campaign import Drawing, Part, PartResult
from trxas.validation.paper.stored_runs import StoredRuns, Uids
from trxas.validation.paper.table import Row

DWELL_S = 6.0

REPEATS = {"fluence-br": 9, "fluence-pb": 45}
"""Scans of each edge: five times more at the weaker one (SI 2)."""

EDGES = {"fluence-br": "Br K", "fluence-pb": "Pb L3"}


def _measure(session: Session) -> Uids:
    plan = session.plans()["fluence_scan"]
    return {
        name: session.measure(plan(EDGES[name], dwell_s=DWELL_S, repeats=REPEATS[name], series="paper"))
        for name in EDGES
    }


def _reduce(runs: StoredRuns) -> PartResult:
    scans = {name: fluence_scan(runs.scan(name)) for name in EDGES}
    fits = {name: fit_fluence(scan) for name, scan in scans.items()}
    figure = fluence_figure(list(scans.values()), list(fits.values()))
    rows = _saturation_rows(fits["fluence-br"], runs.uids("fluence-br"))
    return PartResult(rows, (Drawing("fig-s2-fluence", "Fluence dependence of both edges (Fig. S2)", figure),))


def _saturation_rows(fit: FluenceFit, uids: tuple[str, ...]) -> tuple[Row, ...]:
    saturation = fit.saturation
    if saturation is None:
        return ()
    low, high = saturation.knee_low_mj_cm2, saturation.knee_high_mj_cm2
    remark = f"end of the line, 68 %: {low:.3g} to {high:.3g}; plateau above with p = {saturation.p_value:.2g}"
    sigma = (high - low) / 2 if math.isfinite(high - low) else None
    value = saturation.knee_mj_cm2
    return (Row("Br fluence, end of linear regime", "mJ/cm2", LINEAR_TO_MJ_CM2, None, value, sigma, uids, remark),)


PART = Part("fluence", "fluence dependence of both edges", _measure, _reduce, resumable=True)
"""The part of this module."""
