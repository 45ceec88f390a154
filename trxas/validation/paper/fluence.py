"""The section on fluence dependence: both edges, their linear regime and its end."""

from __future__ import annotations

from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import LINEAR_TO_MJ_CM2, FluenceFit, fit_fluence
from trxas.results.figures import fluence_figure
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.types import Uids

DWELL_S = 6.0

BR_RUN = "fluence-br"
PB_RUN = "fluence-pb"

EDGES = {BR_RUN: "Br K", PB_RUN: "Pb L3"}

REPEATS = {BR_RUN: 9, PB_RUN: 45}
"""Scans of each edge: five times more at the weaker one (SI 2)."""


def _measure(session: SectionSession) -> Uids:
    scan = session.plans()["fluence_scan"]
    return {
        name: session.measure(name, scan(edge, dwell_s=DWELL_S, repeats=REPEATS[name], series="paper"))
        for name, edge in EDGES.items()
    }


def _reduce(runs: StoredRuns) -> SectionResult:
    scans = {name: fluence_scan(runs.scan(name)) for name in EDGES}
    # The two edges are fitted separately: they share the sample, but not the size of the transient or the statistics.
    fits = {name: fit_fluence(scan) for name, scan in scans.items()}
    drawing = Drawing(
        name="fig-s2-fluence",
        caption="Fluence dependence of both edges (Fig. S2)",
        figure=fluence_figure(list(scans.values()), list(fits.values())),
    )
    return SectionResult(drawings=(drawing,), notes=_saturation_text(fits[BR_RUN]))


def _saturation_text(fit: FluenceFit) -> tuple[str, ...]:
    """Return the end of the linear regime; no row, because the paper gives a bound, mJ/cm2."""
    saturation = fit.saturation
    if saturation is None:
        return ()
    low = saturation.knee_low_mj_cm2
    high = saturation.knee_high_mj_cm2
    return (
        f"The Br response is linear up to {saturation.knee_mj_cm2:.3g} mJ/cm2 (68 %: {low:.3g} to {high:.3g}), with a "
        f"plateau above at p = {saturation.p_value:.2g}; the paper has it linear up to {LINEAR_TO_MJ_CM2:g} mJ/cm2.",
    )


SECTION = PaperSection(
    name="fluence", title="fluence dependence of both edges", measure=_measure, reduce=_reduce, resumable=True
)
"""The section of this module."""
