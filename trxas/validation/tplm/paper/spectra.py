"""Spectra over power and over rate: light in proportion, no shift, no broadening (Figs. 1c, S5)."""

from __future__ import annotations

from errors import ReductionError
from reduction.kinds import combine_runs
from reduction.run_kind import CombineChoice
from reduction.tplm.spectrum_results import PowerTrends, SpectrumResults
from reduction.values import Value
from trxas.results.tplm.figures import spectrum_figure
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row, RowKind
from trxas.validation.tplm.paper import published
from trxas.validation.tplm.paper.known_truth import ROOM_FWHM
from trxas.validation.tplm.paper.maps import SERIES
from trxas.validation.types import Uids

RUNS = {"spectra at constant rate": "pl_spectrum_series", "spectra at constant fluence": "pl_constant_fluence"}
"""Plans of the two runs by their names in the campaign."""


def _measure(session: SectionSession) -> Uids:
    plans = session.plans()
    return {name: session.measure(name, plans[plan](series=SERIES)) for name, plan in RUNS.items()}


def _reduce(runs: StoredRuns) -> SectionResult:
    parts = {name: _results(runs, [name]) for name in RUNS}
    both = _results(runs, list(RUNS))
    rows: list[Row] = []
    for name, found in parts.items():
        trends = _trends(found)
        where = name.removeprefix("spectra ")
        rows.append(_row(f"exponent of the light of the spectra {where}", "", published.LINEAR, trends.exponent, found))
    trends = _trends(both)
    shift = trends.peak_mev.slope
    broadening = trends.fwhm_mev.slope
    first = both.points[0].fit
    rows += [
        _row("shift of the spectrum per decade of power", "meV", published.NO_SHIFT_MEV, shift, both),
        _row("broadening per decade of power", "meV", published.NO_SHIFT_MEV, broadening, both),
        _truth_row("peak of the emission", "eV", Value(first.peak_ev.value, both.with_scale(first.peak_ev)), both,
                   "spectrum.peak_ev"),
        _truth_row("width of the emission", "eV", both.width_of(first), both, ROOM_FWHM),
    ]  # fmt: skip
    drawing = Drawing(
        name="tplm-spectra",
        caption="Spectra, each divided by its peak, and their light against the power (Figs. 1c, S5)",
        figure=spectrum_figure(both),
    )
    return SectionResult(rows=tuple(rows), drawings=(drawing,))


def _results(runs: StoredRuns, names: list[str]) -> SpectrumResults:
    found = combine_runs([runs.documents(name) for name in names], choice=CombineChoice())
    assert isinstance(found, SpectrumResults)  # what spectra are combined to
    return found


def _trends(found: SpectrumResults) -> PowerTrends:
    if found.power is None:
        raise ReductionError(f"The spectra show no dependence on the power. {found.table()}")
    return found.power


def _row(name: str, unit: str, expected: Value, found: Value, of: SpectrumResults) -> Row:
    return Row(
        name=name, unit=unit, kind=RowKind.PAPER, expected=expected.value, expected_sigma=expected.sigma,
        value=found.value, sigma=found.sigma, uids=_uids(of),
    )  # fmt: skip


def _truth_row(name: str, unit: str, found: Value, of: SpectrumResults, truth: str) -> Row:
    return Row(
        name=name, unit=unit, expected=None, value=found.value, sigma=found.sigma, uids=_uids(of), truth=truth
    )  # fmt: skip


def _uids(of: SpectrumResults) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.uid for one in of.points))


SECTION = PaperSection(
    name="spectra", title="spectra of the emission", measure=_measure, reduce=_reduce, resumable=True
)
"""The section of this module."""
