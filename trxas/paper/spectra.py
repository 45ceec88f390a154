"""Parts with transient spectra: both edges at 100 ps, 10.1 ns and, with the second bunch, 163.5 ns."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from errors import ReductionError
from reduction.boxcar_energy import boxcar_spectrum
from reduction.features import extremum
from reduction.kinetics import Value
from reduction.spc_energy import spc_spectrum
from reduction.transient import Spectrum
from trxas.figures import draw_static, draw_transient
from trxas.paper import published
from trxas.paper.campaign import Part, PartResult, Runs, Uids
from trxas.paper.table import Row
from trxas.session import Session

DWELL_S = 6.0

FIRST_DELAY_PS, SECOND_BUNCH_DELAY_PS = 100.0, 10_100.0

HALF_WIDTHS_EV = {"first peak": 1.5, "first maximum": 4.0, "minimum": 4.0, "second maximum": 4.5}
"""Windows of the parabolas, about half the width of each feature."""


def _measure_br_100ps(session: Session) -> Uids:
    return {"scan": _energy_scan(session, "Br K", FIRST_DELAY_PS, repeats=9)}


def _measure_br_10ns(session: Session) -> Uids:
    """11 scans at 10.1 ns; passes with the laser blocked give probe 1 its own reference at 163.5 ns."""
    return {"scan": _energy_scan(session, "Br K", SECOND_BUNCH_DELAY_PS, repeats=11, shutter_reference="scan")}


def _measure_pb_100ps(session: Session) -> Uids:
    return {"scan": _energy_scan(session, "Pb L3", FIRST_DELAY_PS, repeats=56)}


def _measure_pb_10ns(session: Session) -> Uids:
    return {"scan": _energy_scan(session, "Pb L3", SECOND_BUNCH_DELAY_PS, repeats=87)}


def _energy_scan(session: Session, edge: str, delay_ps: float, **options: object) -> str:
    plan = session.plans()["energy_scan"]
    return session.measure(plan(edge, delay_ps=delay_ps, dwell_s=DWELL_S, series="paper", **options))


def _reduce_br_100ps(runs: Runs, uids: Uids) -> PartResult:
    spectrum = boxcar_spectrum(runs["scan"])
    who = tuple(uids.values())
    rows = [_size_row("Br transient at 100 ps", spectrum, 13_472.0, -published.BR_SIZE_PERCENT, who)]
    rows += [
        _feature_row(f"Br static {name}", spectrum, energy_ev, HALF_WIDTHS_EV[name], who, transient=False)
        for name, energy_ev in published.BR_FEATURES_EV.items()
    ]
    rows += [
        _feature_row(f"Br transient {name}", spectrum, energy_ev, 1.0, who, transient=True)
        for name, energy_ev in published.BR_TRANSIENT_EV.items()
    ]
    return PartResult(tuple(rows), {"Br K at 100 ps (Fig. 2a)": spectra_figure([spectrum])})


def _reduce_br_10ns(runs: Runs, uids: Uids) -> PartResult:
    run = runs["scan"]
    first = boxcar_spectrum(run)
    second = spc_spectrum(run, probe=1, reference="laser shutter")
    unpumped = spc_spectrum(run, probe=1, reference="unpumped probe")
    figures = {
        "Br K at 10.1 ns (Fig. 2a)": spectra_figure([first]),
        "Br K at 163.5 ns, the second bunch, against the laser shutter and the last probe": spectra_figure(
            [second, unpumped]
        ),
    }
    who = tuple(uids.values())
    delay = Row("second bunch, delay", "ns", 163.5, None, (second.metadata.delay_ps or 0) / 1e3, 0.0, who)
    return PartResult((delay,), figures)


def _reduce_pb_100ps(runs: Runs, uids: Uids) -> PartResult:
    spectrum = spc_spectrum(runs["scan"])
    who = tuple(uids.values())
    rows = [_size_row("Pb transient at 100 ps", spectrum, 13_043.0, -published.PB_SIZE_PERCENT, who)]
    widths = {"first pre-edge": 2.0, "second pre-edge": 2.0, "main edge": 2.0, "post-edge": 6.0}
    for name, energy_ev in published.PB_TRANSIENT_EV.items():
        rows.append(_feature_row(f"Pb transient {name}", spectrum, energy_ev, widths[name], who, transient=True))
    return PartResult(tuple(rows), {"Pb L3 at 100 ps (Fig. 2b)": spectra_figure([spectrum])})


def _reduce_pb_10ns(runs: Runs, _uids: Uids) -> PartResult:
    run = runs["scan"]
    figures = {
        "Pb L3 at 10.1 ns (Fig. 2b)": spectra_figure([spc_spectrum(run)]),
        "Pb L3 at 163.5 ns, the second bunch (Fig. 2b)": spectra_figure([spc_spectrum(run, probe=1)]),
    }
    return PartResult((), figures)


def spectra_figure(spectra: list[Spectrum]) -> Figure:
    """Static spectrum above, transients below."""
    figure = Figure(figsize=(7, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    draw_static(above, spectra[0], pumped=False)
    for spectrum in spectra:
        draw_transient(below, spectrum, colour=None)
    return figure


def _size_row(name: str, spectrum: Spectrum, energy_ev: float, percent: float, uids: tuple[str, ...]) -> Row:
    index = int(abs(spectrum.energy_ev - energy_ev).argmin())
    static = float(spectrum.off[index])
    value, sigma = (100 * float(array[index]) / static for array in (spectrum.transient, spectrum.sigma))
    return Row(name, "% of static", percent, None, value, sigma, uids, "the paper says 'around'")


def _feature_row(
    name: str, spectrum: Spectrum, near_ev: float, half_width_ev: float, uids: tuple[str, ...], *, transient: bool
) -> Row:
    values, sigma = (spectrum.transient, spectrum.sigma) if transient else (spectrum.off, spectrum.off_sigma)
    try:
        found = extremum(spectrum.energy_ev, values, sigma, near_ev=near_ev, half_width_ev=half_width_ev)
        remark = "the paper gives no error"
    except ReductionError as error:
        found, remark = Value(float("nan"), float("nan")), str(error)
    return Row(name, "eV", near_ev, None, found.value, found.sigma, uids, remark)


PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        Part("br-100ps", "Br K, 100 ps", _measure_br_100ps, _reduce_br_100ps),
        Part("br-10ns", "Br K, 10.1 and 163.5 ns", _measure_br_10ns, _reduce_br_10ns),
        Part("pb-100ps", "Pb L3, 100 ps", _measure_pb_100ps, _reduce_pb_100ps),
        Part("pb-10ns", "Pb L3, 10.1 and 163.5 ns", _measure_pb_10ns, _reduce_pb_10ns),
    )
}
"""Parts of this module by name."""
