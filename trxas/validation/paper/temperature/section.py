"""The section on temperature: static spectra of both edges from 25 to 140 C, and how they change (SI 2 and 8)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import bluesky.plan_stubs as bps

from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.energy_windows import points_within
from reduction.xas.static_xas import SpectrumPoints
from reduction.xas.thermal_difference import band_gap_change_ev
from trxas.validation.paper import published
from trxas.validation.paper.row_kinds import comparison_sign_row, extremum_row, sign_row
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row, RowKind
from trxas.validation.paper.temperature.figures import aligned_figure, alignment_figure, differences_figure
from trxas.validation.paper.temperature.series import (
    AGAIN,
    BR,
    LARGEST_DRIFT_EV,
    PB,
    REFERENCE_C,
    TEMPERATURES_C,
    ThermalSeries,
    run_name,
    shift_between,
    thermal_series,
    zero_crossing,
)
from trxas.validation.paper.temperature.texts import alignment_text, crossing_text
from trxas.validation.types import Uids

NAME = "temperature"

DWELL_S = 60.0
IMAGE_EXPOSURE_S = 30.0
"""Beam time per point and per image (chosen; the paper gives none): simulated points cost wall time, not dwell."""

BACKLASH_C = 45.0
ABOVE_BR_EV = 13_690.0
"""Temperature of Fig. S6, and energy from which the long move down to its spectrum starts."""

BACKLASH_RUN = "Br K, approached directly"

SHOWN_C = (45.0, 65.0, 140.0)
"""Temperatures of Fig. S5 ('three key temperatures')."""

PB_LOSS_EV = (13_035.0, 13_053.0)
"""Range of the broad thermal loss (main text)."""

THERMAL_HALF_WIDTH_EV = {BR: 1.25, PB: 2.5}


def measure(session: SectionSession) -> Uids:
    """Measure both edges (Br at fewer temperatures, as in the paper) and images, and Br once with its backlash.

    At the end both edges are measured at the first temperature again, to see whether energy and sample have returned.
    """
    uids: Uids = {}
    for temperature_c in TEMPERATURES_C[PB]:
        edges = tuple(edge for edge in (BR, PB) if temperature_c in TEMPERATURES_C[edge])
        # Temperature in the outer loop: heating and settling take far longer than moving between the edges.
        uids |= _at(session, temperature_c, edges, images=1)
        if temperature_c == BACKLASH_C:
            uids[BACKLASH_RUN] = _with_backlash(session)
    back = _at(session, REFERENCE_C, (BR, PB), images=0)
    return uids | {f"{name} {AGAIN}": uid for name, uid in back.items()}


def _at(session: SectionSession, temperature_c: float, edges: tuple[str, ...], *, images: int) -> Uids:
    plan = session.plans()["temperature_series"]
    options = {"dwell_s": DWELL_S, "images": images, "image_dwell_s": IMAGE_EXPOSURE_S, "series": "paper"}
    made = session.session.measure_all(plan([temperature_c], edges=edges, **options))
    # The plan returns one run per edge and then, with images, one run of images.
    names = (*edges, "images")[: len(made)]
    return {run_name(name, temperature_c): uid for name, uid in zip(names, made, strict=True)}


def _with_backlash(session: SectionSession) -> str:
    """Measure a Br spectrum after a long move down without compensation of the backlash, as in the paper."""
    # The spectrum begins below this energy, so the first move of its scan is a long one down; with the approach
    # "direct" it leaves the backlash in.
    session.session.measure_all(bps.mv(session.session.beamline.energy, ABOVE_BR_EV))
    plan = session.plans()["static_energy_scan"]
    return session.measure(BACKLASH_RUN, plan(BR, dwell_s=DWELL_S, approach="direct", series="paper"))


def _reduce(runs: StoredRuns) -> SectionResult:
    series = {edge: thermal_series(runs, edge) for edge in (BR, PB)}
    direct = runs.static(BACKLASH_RUN)
    backlash = shift_between(direct, runs.static(run_name(BR, BACKLASH_C)))
    rows = _alignment_rows(runs, series, backlash)
    for one in series.values():
        rows += _difference_rows(one)
    rows += _comparison_rows(series[BR], series[PB])
    caption = "Differences to 25 C at three temperatures (Fig. S5)"
    drawings = (
        Drawing(name="fig-s5-differences", caption=caption, figure=differences_figure(list(series.values()), SHOWN_C)),
        Drawing(
            name="fig-s6-alignment",
            caption="Optimisation parameter against the shift, Br K at 45 C approached directly against 25 C (Fig. S6)",
            figure=alignment_figure(direct.measured, series[BR].reference.measured),
        ),
        Drawing(
            name="fig-s7-aligned",
            caption="Aligned, normalised Br K spectra and their derivative (Fig. S7)",
            figure=aligned_figure(series[BR]),
        ),
    )
    notes = (alignment_text(series, backlash), crossing_text(series), _varshni_text(runs))
    return SectionResult(rows=tuple(rows), drawings=drawings, notes=notes)


def _alignment_rows(runs: StoredRuns, series: Mapping[str, ThermalSeries], backlash: Value) -> list[Row]:
    low, high = published.BACKLASH_EV
    size = Row(
        name="Br backlash shift",
        unit="eV",
        expected=(low + high) / 2,
        expected_sigma=published.rounded(high - low),
        value=abs(backlash.value),
        # The axis may have drifted before either of the two spectra.
        sigma=math.hypot(backlash.sigma, math.sqrt(2.0) * series[BR].drift_ev),
        uids=runs.uids(BACKLASH_RUN, run_name(BR, BACKLASH_C)),
        remark=f"the paper corrected {low:g} to {high:g} eV; here only after a move down without compensation",
    )
    # Where the true energy is higher than the one read back, the spectrum appears at lower energies.
    signed = replace(
        size, name="Br backlash, with its sign", expected=None, value=-backlash.value, truth="beam.backlash_ev"
    )
    rows = [size, signed]
    for edge, one in series.items():
        name = run_name(edge, REFERENCE_C)
        row = Row(
            name=f"{edge} shift, 25 C again",
            kind=RowKind.CONSISTENCY,
            unit="eV",
            expected=0.0,
            # Three of these errors are the largest shift that passes for a drift.
            expected_sigma=LARGEST_DRIFT_EV / 3.0,
            value=one.returned.value,
            sigma=one.returned.sigma,
            uids=runs.uids(name, f"{name} {AGAIN}"),
            remark="after the whole series; in the errors of all differences as long as it is a drift",
        )
        rows.append(row)
    return rows


def _varshni_text(runs: StoredRuns) -> str:
    """Return the Varshni shift at the temperatures measured; a formula, so that it is not a row of the table."""
    warm, cold = (runs.static(run_name(PB, temperature_c)).temperature_c for temperature_c in (140.0, REFERENCE_C))
    shift_mev = 1e3 * float(band_gap_change_ev(warm, cold))
    return (
        f"Varshni's formula gives a shift of {shift_mev:.2f} meV between {cold:.2f} and {warm:.2f} C, the temperatures "
        f"read back; the paper has up to {published.VARSHNI_SHIFT_MEV:g} meV."
    )


def _difference_rows(series: ThermalSeries) -> list[Row]:
    """Return the features of the difference at the highest temperature, where they are largest."""
    warmest = max(series.differences)
    points = series.differences[warmest].difference
    uids = series.uids[warmest]
    curve = (points.energy_ev, points.intensity, points.sigma)
    minima = published.BR_THERMAL_MINIMA_EV if series.edge == BR else (published.PB_THERMAL_PRE_EDGE_EV,)
    width_ev = THERMAL_HALF_WIDTH_EV[series.edge]
    name = series.edge.split()[0]
    rows = [
        extremum_row(
            f"{name} thermal minimum at {energy_ev / 1e3:g} keV",
            curve,
            near_ev=energy_ev,
            half_width_ev=width_ev,
            uids=uids,
        )
        for energy_ev in minima
    ]
    if series.edge == PB:
        low, high = PB_LOSS_EV
        loss = _mean(points, PB_LOSS_EV)
        what = f"mean over {low:g} to {high:g} eV: {with_error(1e4 * loss.value, 1e4 * loss.sigma)} x 1e-4 /eV"
        rows.append(sign_row("Pb thermal loss, sign", -1.0, loss, uids, what))
    return rows


def _mean(points: SpectrumPoints, window_ev: tuple[float, float]) -> Value:
    inside = points_within(points.energy_ev, window_ev, "difference")
    # Equal weights: the paper averages over a range, and neighbouring points are correlated by the common reference, so
    # that the covariance, and not the weights, must carry the errors.
    weight = inside / inside.sum()
    return Value(float(weight @ points.intensity), math.sqrt(float(weight @ points.covariance @ weight)))


def _comparison_rows(br: ThermalSeries, pb: ThermalSeries) -> list[Row]:
    low, high = published.BR_CROSSING_C
    # Between both temperatures the paper has no sign: the crossing is compared instead.
    expected = {**{t: 1.0 for t in br.differences if t >= high}, **{t: -1.0 for t in br.differences if t <= low}}
    rows = [_sign_row(br, temperature_c, sign) for temperature_c, sign in sorted(expected.items())]
    crossing = zero_crossing({t: br.comparison(t) for t in br.differences}, br.comparison_covariance)
    uids = tuple(dict.fromkeys(uid for part in br.uids.values() for uid in part))
    row = Row(
        name="Br C, zero crossing",
        unit="C",
        expected=(low + high) / 2,
        expected_sigma=published.rounded(high - low),
        value=None if crossing is None else crossing.value,
        sigma=None if crossing is None else crossing.sigma,
        uids=uids,
        remark=f"where C changes its sign: in the paper between {low:g} and {high:g} C",
    )
    return [*rows, row] + [_sign_row(pb, temperature_c, 1.0) for temperature_c in pb.differences]


def _sign_row(series: ThermalSeries, temperature_c: float, sign: float) -> Row:
    name = f"{series.edge.split()[0]} thermal C at {temperature_c:g} C, sign"
    return comparison_sign_row(name, sign, series.comparison(temperature_c), series.uids[temperature_c])


SECTION = PaperSection(
    name=NAME, title="static spectra and images against temperature", measure=measure, reduce=_reduce
)
"""The section of this module."""
