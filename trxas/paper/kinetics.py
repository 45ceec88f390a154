"""The part with time traces: both edges, fitted together."""

from __future__ import annotations

from matplotlib.figure import Figure

from reduction.gate_rates import gate_rates
from reduction.kinetics import KineticsFit, fit_kinetics
from reduction.spc_time import spc_trace
from trxas.figures import draw_trace
from trxas.paper import published
from trxas.paper.campaign import Part, PartResult, Runs, Uids
from trxas.paper.table import Row
from trxas.session import Session

BR_DWELL_S, PB_DWELL_S, REPEATS = 6.0, 36.0, 6
"""36 s per delay at the Br edge, six times that at the Pb edge (SI 2)."""


def _measure(session: Session) -> Uids:
    plan = session.plans()["delay_scan"]
    return {
        "br": session.measure(plan("Br K", dwell_s=BR_DWELL_S, repeats=REPEATS, series="paper")),
        "pb": session.measure(plan("Pb L3", dwell_s=PB_DWELL_S, repeats=REPEATS, series="paper")),
    }


def _reduce(runs: Runs, uids: Uids) -> PartResult:
    names = ("br", "pb")
    fit = fit_kinetics([gate_rates(runs[name]) for name in names], runs["br"].metadata.timing)
    who = tuple(uids.values())
    rows = [_row(name, fit, who) for name in published.KINETICS]
    figure = Figure(figsize=(7, 7), layout="constrained")
    for index, (axes, name) in enumerate(zip(figure.subplots(2, 1), names, strict=True)):
        draw_trace(axes, spc_trace(runs[name]), fit, trace=index)
        axes.set_title(runs[name].metadata.edge)
    return PartResult(tuple(rows), {"Kinetics of both edges with their global fit (Fig. 2c)": figure})


def _row(name: str, fit: KineticsFit, uids: tuple[str, ...]) -> Row:
    value, sigma = published.KINETICS[name]
    ours = getattr(fit, name)
    unit = "ps" if name.endswith("_ps") else ""
    remark = ""
    if name == "offset":
        remark = "at time zero; it decays, which the paper's 130 ns do not show"
    return Row(name.removesuffix("_ps"), unit, value, sigma, ours.value, ours.sigma, uids, remark)


PART = Part("kinetics", "kinetics of both edges", _measure, _reduce)
"""The part of this module."""
