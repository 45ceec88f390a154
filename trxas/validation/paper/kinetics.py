"""The section on time traces: both edges, fitted together."""

from __future__ import annotations

from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.spc_time import spc_trace
from trxas.validation.paper import published
from trxas.validation.paper.figures import kinetics_figure
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.types import Uids

NAME = "kinetics"

BR_TRACE = "kinetics-br"
PB_TRACE = "kinetics-pb"
TRACES = (BR_TRACE, PB_TRACE)

BR_DWELL_S = 6.0
PB_DWELL_S = 36.0
REPEATS = 6
"""36 s per delay at the Br edge, six times that at the Pb edge (SI 2)."""


def global_fit(runs: StoredRuns) -> KineticsFit:
    """Fit both traces together; raises ReductionError if they do not determine the parameters."""
    # Br first: the timing of the fit is that of the first trace. Both runs follow the same time zero and response,
    # since the section on time zero comes before this one.
    scans = [runs.scan(name) for name in TRACES]
    return fit_kinetics([gate_rates(scan) for scan in scans], scans[0].metadata.timing)


def _measure(session: SectionSession) -> Uids:
    delay_scan = session.plans()["delay_scan"]
    br_scan = delay_scan("Br K", dwell_s=BR_DWELL_S, repeats=REPEATS, series="paper")
    pb_scan = delay_scan("Pb L3", dwell_s=PB_DWELL_S, repeats=REPEATS, series="paper")
    return {BR_TRACE: session.measure(BR_TRACE, br_scan), PB_TRACE: session.measure(PB_TRACE, pb_scan)}


def _reduce(runs: StoredRuns) -> SectionResult:
    fit = global_fit(runs)
    traces = [spc_trace(runs.scan(name)) for name in TRACES]
    drawing = Drawing(
        name="fig-2c-kinetics",
        caption="Kinetics of both edges, relative to the pump's own amplitude, with their global fit (Fig. 2c)",
        figure=kinetics_figure(traces, fit, [runs.scan(name).metadata.edge for name in TRACES]),
    )
    rows = tuple(_row(name, fit, runs.uids(*TRACES)) for name in published.KINETICS)
    return SectionResult(rows=rows, drawings=(drawing,))


def _row(name: str, fit: KineticsFit, uids: tuple[str, ...]) -> Row:
    value, sigma = published.KINETICS[name]
    # The names of the published numbers are those of the attributes of the fit, so that none can be paired wrongly.
    measured = getattr(fit, name)
    return Row(
        name=name.removesuffix("_ps"),
        unit="ps" if name.endswith("_ps") else "",
        expected=value,
        expected_sigma=sigma,
        value=measured.value,
        sigma=measured.sigma,
        uids=uids,
        remark="at time zero; it decays, which the paper's 130 ns do not show" if name == "offset" else "",
        truth=f"kinetics.{name}",
    )


SECTION = PaperSection(name=NAME, title="kinetics of both edges", measure=_measure, reduce=_reduce, resumable=True)
"""The section of this module."""
