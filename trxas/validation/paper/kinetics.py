"""The part with time traces: both edges, fitted together."""

from __future__ import annotations

from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import KineticsFit, fit_kinetics
from reduction.xas.spc_time import spc_trace
from trxas.session.session import Session
from trxas.validation.paper import published
from trxas.validation.paper.campaign import Drawing, Part, PartResult
from trxas.validation.paper.figures import kinetics_figure
from trxas.validation.paper.stored_runs import StoredRuns, Uids
from trxas.validation.paper.table import Row

BR_DWELL_S, PB_DWELL_S, REPEATS = 6.0, 36.0, 6
"""36 s per delay at the Br edge, six times that at the Pb edge (SI 2)."""

NAME = "kinetics"
TRACES = ("kinetics-br", "kinetics-pb")


def _measure(session: Session) -> Uids:
    plan = session.plans()["delay_scan"]
    edges = (("Br K", BR_DWELL_S), ("Pb L3", PB_DWELL_S))
    return {
        name: session.measure(plan(edge, dwell_s=dwell_s, repeats=REPEATS, series="paper"))
        for name, (edge, dwell_s) in zip(TRACES, edges, strict=True)
    }


def global_fit(runs: StoredRuns) -> KineticsFit:
    """Global fit of both traces. Raises ReductionError if they do not determine it."""
    scans = [runs.scan(name) for name in TRACES]
    return fit_kinetics([gate_rates(scan) for scan in scans], scans[0].metadata.timing)


def _reduce(runs: StoredRuns) -> PartResult:
    fit = global_fit(runs)
    rows = [_row(name, fit, runs.uids(*TRACES)) for name in published.KINETICS]
    traces = [spc_trace(runs.scan(name)) for name in TRACES]
    figure = kinetics_figure(traces, fit, [runs.scan(name).metadata.edge for name in TRACES])
    caption = "Kinetics of both edges, relative to the pump's own amplitude, with their global fit (Fig. 2c)"
    return PartResult(tuple(rows), (Drawing("fig-2c-kinetics", caption, figure),))


def _row(name: str, fit: KineticsFit, uids: tuple[str, ...]) -> Row:
    value, sigma = published.KINETICS[name]
    ours = getattr(fit, name)
    unit = "ps" if name.endswith("_ps") else ""
    remark = ""
    if name == "offset":
        remark = "at time zero; it decays, which the paper's 130 ns do not show"
    return Row(name.removesuffix("_ps"), unit, value, sigma, ours.value, ours.sigma, uids, remark)


PART = Part(NAME, "kinetics of both edges", _measure, _reduce, resumable=True)
"""The part of this module."""
