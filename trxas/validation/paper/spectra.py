"""Sections with transient spectra: both edges at 100 ps, 10.1 ns and, with the second bunch, 163.5 ns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.energy_windows import points_within
from reduction.xas.grouping import scan_transients, scatter_ratio
from reduction.xas.information import information
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.static_error import static_sigma
from reduction.xas.transient import Spectrum
from trxas.validation.paper import published
from trxas.validation.paper.figures import spectra_figure
from trxas.validation.paper.row_kinds import extremum_row, sign_row
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.types import Uids

BR_100PS = "br-100ps"
BR_10NS = "br-10ns"
PB_100PS = "pb-100ps"
PB_10NS = "pb-10ns"
"""Sections of this module, and the run of each."""

FIRST_DELAY_PS = 100.0
SECOND_BUNCH_DELAY_PS = 10_100.0

HALF_WIDTHS_EV = {"first peak": 1.5, "first maximum": 4.0, "minimum": 4.0, "second maximum": 4.5}
"""Windows of the parabolas at the static features, about half the width of each feature."""

BR_HALF_WIDTH_EV = 1.25
PB_HALF_WIDTHS_EV = {"first pre-edge": 2.5, "second pre-edge": 2.5, "main edge": 3.5, "post-edge": 6.5}
"""The same for the transients; between multiples of the step, so that no point lies on the border."""

MODULATION_HALF_WIDTH_EV = 3.0
"""Window of the mean whose sign is that of a modulation: less than half the width of these features, 7 to 9 eV."""


def _measure(name: str, edge: str, delay_ps: float, **options: object) -> Callable[[SectionSession], Uids]:
    def measure(session: SectionSession) -> Uids:
        plan = session.plans()["energy_scan"](edge, delay_ps=delay_ps, series="paper", **options)
        return {name: session.measure(name, plan)}

    return measure


_MEASURE = {
    BR_100PS: _measure(BR_100PS, "Br K", FIRST_DELAY_PS, dwell_s=6.0, repeats=9),
    # Passes with the laser blocked give probe 1 its own reference at 163.5 ns.
    BR_10NS: _measure(BR_10NS, "Br K", SECOND_BUNCH_DELAY_PS, dwell_s=6.0, repeats=11, shutter_reference="scan"),
    # The beam time of the paper's 56 and 87 scans of 6 s in fewer and longer ones: each point costs wall time.
    PB_100PS: _measure(PB_100PS, "Pb L3", FIRST_DELAY_PS, dwell_s=12.0, repeats=28),
    PB_10NS: _measure(PB_10NS, "Pb L3", SECOND_BUNCH_DELAY_PS, dwell_s=18.0, repeats=29),
}


def _reduce_br_100ps(runs: StoredRuns) -> SectionResult:
    run = runs.scan(BR_100PS)
    spectrum = boxcar_spectrum(run)
    # Fluctuations of the jet cancel in the transient and not in the static spectrum, so its features need other errors.
    static_errors = static_sigma(run, spectrum)
    uids = runs.uids(BR_100PS)
    # The paper's number is that of the boxcar. Counting sees the same pulses and must give the same size, at another
    # gain, another zero and another saturation: the second row tests the first.
    counted = spc_spectrum(run)
    rows = [
        _size_row("Br transient at 100 ps", spectrum, 13_472.0, published.BR_SIZE_PERCENT, uids),
        _size_row("Br transient at 100 ps, counted", counted, 13_472.0, published.BR_SIZE_PERCENT, uids),
    ]
    for name, near_ev in published.BR_FEATURES_EV.items():
        curve = (spectrum.energy_ev, spectrum.off, static_errors)
        width_ev = HALF_WIDTHS_EV[name]
        rows.append(extremum_row(f"Br static {name}", curve, near_ev=near_ev, half_width_ev=width_ev, uids=uids))
    for name, near_ev in published.BR_TRANSIENT_EV.items():
        rows.append(_transient_row(f"Br transient {name}", spectrum, near_ev, BR_HALF_WIDTH_EV, uids))
    for name, (energy_ev, sign) in published.BR_MODULATIONS.items():
        rows.append(_modulation_row(name, spectrum, energy_ev, sign, uids))
    drawing = Drawing(
        name="fig-2a-br-100ps", caption="Br K at 100 ps (Fig. 2a)", figure=spectra_figure([spectrum, counted])
    )
    note = (
        "The paper's Br spectra at 100 ps and 10.1 ns are those of the boxcar. The same exposures hold "
        f"{information(counted) / information(spectrum):.2g} times as much information on the transient by photon "
        "counting; both are drawn."
    )
    return SectionResult(rows=tuple(rows), drawings=(drawing,), notes=(note,))


def _reduce_br_10ns(runs: StoredRuns) -> SectionResult:
    run = runs.scan(BR_10NS)
    unpumped = spc_spectrum(run, probe=1, reference="unpumped probe")
    blocked, ratio = _with_scatter(spc_spectrum(run, probe=1, reference="laser shutter"), runs)
    delay = Value((unpumped.metadata.delay_ps or 0.0) / 1e3, unpumped.metadata.delay_sigma_ps / 1e3)
    note = (
        "At 163.5 ns the unpumped signal is that of the last probe before the next pump, in the same exposures, or "
        "that of the same probe in passes with the laser blocked. Fluctuations of the jet cancel in the first case "
        f"only. With the laser blocked, the scans scatter {ratio:.1f} times as much as their counts explain, and the "
        f"error bars are drawn accordingly. The second bunch came {with_error(*delay)} ns after the laser; bunch "
        f"period: {run.metadata.timing.period_text}."
    )
    drawings = (
        Drawing(
            name="fig-2a-br-10ns",
            caption="Br K at 10.1 ns (Fig. 2a)",
            figure=spectra_figure([boxcar_spectrum(run)]),
        ),
        Drawing(
            name="fig-2a-br-163ns",
            caption="Br K at 163.5 ns, the second bunch, against the last probe and against the laser shutter",
            figure=spectra_figure([unpumped, blocked]),
        ),
    )
    return SectionResult(drawings=drawings, notes=(note,))


def _with_scatter(spectrum: Spectrum, runs: StoredRuns) -> tuple[Spectrum, float]:
    """Return the second bunch against the laser shutter with errors from the scatter between scans, and its ratio."""
    # Exposures with the laser open and blocked come minutes apart, so the jet changes in between. Counting errors alone
    # would be too small; the scatter between scans shows by how much.
    ratio = scatter_ratio(*scan_transients(runs.scan(BR_10NS), "spc", 1, "laser shutter")).ratio
    # A ratio below 1 is luck, never a reason for smaller error bars.
    return replace(spectrum, sigma=spectrum.sigma * max(ratio, 1.0)), ratio


def _reduce_pb_100ps(runs: StoredRuns) -> SectionResult:
    spectrum = spc_spectrum(runs.scan(PB_100PS))
    uids = runs.uids(PB_100PS)
    rows = [_size_row("Pb transient at 100 ps", spectrum, 13_043.0, published.PB_SIZE_PERCENT, uids)]
    for name, near_ev in published.PB_TRANSIENT_EV.items():
        rows.append(_transient_row(f"Pb transient {name}", spectrum, near_ev, PB_HALF_WIDTHS_EV[name], uids))
    drawing = Drawing(name="fig-2b-pb-100ps", caption="Pb L3 at 100 ps (Fig. 2b)", figure=spectra_figure([spectrum]))
    return SectionResult(rows=tuple(rows), drawings=(drawing,))


def _reduce_pb_10ns(runs: StoredRuns) -> SectionResult:
    run = runs.scan(PB_10NS)
    drawings = (
        Drawing(
            name="fig-2b-pb-10ns",
            caption="Pb L3 at 10.1 ns (Fig. 2b)",
            figure=spectra_figure([spc_spectrum(run)]),
        ),
        Drawing(
            name="fig-2b-pb-163ns",
            caption="Pb L3 at 163.5 ns, the second bunch (Fig. 2b)",
            figure=spectra_figure([spc_spectrum(run, 1)]),
        ),
    )
    return SectionResult(drawings=drawings)


def _size_row(name: str, spectrum: Spectrum, energy_ev: float, percent: Value, uids: tuple[str, ...]) -> Row:
    index = int(abs(spectrum.energy_ev - energy_ev).argmin())
    static = float(spectrum.off[index])
    return Row(
        name=name,
        unit="% of static",
        expected=percent.value,
        expected_sigma=percent.sigma,
        value=100 * float(spectrum.transient[index]) / static,
        sigma=100 * float(spectrum.sigma[index]) / static,
        uids=uids,
        remark="the paper says 'around'",
    )


def _transient_row(name: str, spectrum: Spectrum, near_ev: float, half_width_ev: float, uids: tuple[str, ...]) -> Row:
    curve = (spectrum.energy_ev, spectrum.transient, spectrum.sigma)
    # The paper gives the energies of the transients to half an eV.
    return extremum_row(name, curve, near_ev=near_ev, half_width_ev=half_width_ev, uids=uids, step_ev=0.5)


def _modulation_row(name: str, spectrum: Spectrum, energy_ev: float, sign: float, uids: tuple[str, ...]) -> Row:
    half_ev = MODULATION_HALF_WIDTH_EV
    inside = points_within(spectrum.energy_ev, (energy_ev - half_ev, energy_ev + half_ev), "modulation")
    # A weighted mean, because the sign of a small feature needs the smallest error that its points can give.
    weight = spectrum.sigma[inside] ** -2.0
    mean = Value(float(np.average(spectrum.transient[inside], weights=weight)), float(weight.sum() ** -0.5))
    what = f"{with_error(1e3 * mean.value, 1e3 * mean.sigma)} thousandths within {half_ev:g} eV of {energy_ev:g} eV"
    return sign_row(f"Br transient at the {name}, sign", sign, mean, uids, what)


def _section(name: str, title: str, reduce: Callable[[StoredRuns], SectionResult]) -> PaperSection:
    return PaperSection(name=name, title=title, measure=_MEASURE[name], reduce=reduce, resumable=True)


SECTIONS: tuple[PaperSection, ...] = (
    _section(BR_100PS, "Br K, 100 ps", _reduce_br_100ps),
    _section(BR_10NS, "Br K, 10.1 and 163.5 ns", _reduce_br_10ns),
    _section(PB_100PS, "Pb L3, 100 ps", _reduce_pb_100ps),
    _section(PB_10NS, "Pb L3, 10.1 and 163.5 ns", _reduce_pb_10ns),
)
"""The sections of this module."""
