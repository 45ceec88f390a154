"""The part that compares the delays: areas, the parameter C, the shape, and what is left at 163.5 ns (Fig. 2 and 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reduction.run_metadata import EnergyWindows
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.comparison import (
    BR_K,
    PB_L3,
    ComparisonParameter,
    ComparisonWindows,
    change_of_comparison,
    comparison_parameter,
)
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum
from reduction.xas.transient_shape import (
    AreaWithoutNoise,
    ShapeComparison,
    area_without_noise,
    compare_shapes,
    transient_covariance,
)
from trxas.validation.paper import published
from trxas.validation.paper.campaign import Drawing, Part, PartResult, nothing_to_measure
from trxas.validation.paper.delay_texts import area_text, offset_text
from trxas.validation.paper.figures import scaled_figure
from trxas.validation.paper.kinetics import NAME as KINETICS
from trxas.validation.paper.kinetics import global_fit
from trxas.validation.paper.rows import comparison_sign_row
from trxas.validation.paper.spectra import BR_10NS, BR_100PS, PB_10NS, PB_100PS
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row

DELAYS = tuple(published.INVERSE_AREAS)
"""100 ps, 10.1 ns and 163.5 ns."""


@dataclass(frozen=True)
class Delays:
    """Transients of one edge at `DELAYS`.

    `shown`: reduced as the paper does (Br: boxcar, boxcar, SPC; Pb: all SPC). `counted`: all by SPC, so that one recipe
    underlies every comparison of shapes. `uids` of the runs behind each.
    """

    name: str
    shown: tuple[Spectrum, ...]
    counted: tuple[Spectrum, ...]
    uids: tuple[tuple[str, ...], ...]
    windows: EnergyWindows
    c_windows: ComparisonWindows

    def comparison(self, number: int, *, counted: bool = False) -> ComparisonParameter:
        """C at one delay, of the spectrum that is shown, or of the counted one."""
        spectrum = (self.counted if counted else self.shown)[number]
        covariance = transient_covariance(spectrum, self.windows)
        return comparison_parameter(spectrum.energy_ev, spectrum.transient, covariance, self.c_windows)


def measured_delays(runs: StoredRuns) -> tuple[Delays, Delays]:
    """Both edges at all delays."""
    return _delays(runs, "Br", (BR_100PS, BR_10NS), BR_K), _delays(runs, "Pb", (PB_100PS, PB_10NS), PB_L3)


def _delays(runs: StoredRuns, name: str, scans: tuple[str, str], c_windows: ComparisonWindows) -> Delays:
    early, late = (runs.scan(scan) for scan in scans)
    counted = (spc_spectrum(early), spc_spectrum(late), spc_spectrum(late, probe=1))
    shown = (boxcar_spectrum(early), boxcar_spectrum(late), counted[2]) if name == "Br" else counted
    uids = (runs.uids(scans[0]), runs.uids(scans[1]), runs.uids(scans[1]))
    return Delays(name, shown, counted, uids, early.metadata.windows, c_windows)


def _reduce(runs: StoredRuns) -> PartResult:
    br, pb = measured_delays(runs)
    areas = [_area(br, number) for number in range(len(DELAYS))]
    shapes = {edge.name: [compare_shapes(edge.counted[0], later) for later in edge.counted[1:]] for edge in (br, pb)}
    rows = [*_area_rows(br, areas)]
    for edge in (br, pb):
        rows += [*_shape_rows(edge, shapes[edge.name]), *_comparison_rows(edge)]
    factors = [area.inverse_raw.value for area in areas]
    caption = "Static spectra and transients, times the inverse absolute area of the Br transient (Fig. 2a and b)"
    drawing = Drawing("fig-2ab", caption, scaled_figure([br.shown, pb.shown], factors, DELAYS))
    notes = (area_text(areas), offset_text(global_fit(runs), areas, shapes["Br"]))
    return PartResult(tuple(rows), (drawing,), notes)


def _area(edge: Delays, number: int) -> AreaWithoutNoise:
    """The signs come from another run: of the 100 ps transient for later delays, of the 10.1 ns one for 100 ps."""
    return area_without_noise(edge.shown[number], edge.windows, edge.counted[0 if number else 1])


def _area_rows(br: Delays, areas: list[AreaWithoutNoise]) -> list[Row]:
    rows = []
    for delay, area, uids in zip(DELAYS, areas, br.uids, strict=True):
        name, share = f"Br inverse absolute area, {delay}", area.excess / area.raw.value
        remark = f"as published; noise adds {share:.0%}, and the limits of the edge integral are not given"
        rows.append(_area_row(name, delay, area.inverse_raw, uids, remark))
        remark = "by the signs of another run, to which noise adds nothing; the published one has its noise in it"
        rows.append(_area_row(f"{name}, without noise", delay, area.inverse_projected, uids, remark))
    return rows


def _area_row(name: str, delay: str, inverse: Value, uids: tuple[str, ...], remark: str) -> Row:
    value, sigma = inverse if math.isfinite(inverse.value) else (None, None)
    return Row(name, "", published.INVERSE_AREAS[delay], None, value, sigma, uids, remark)


def _shape_rows(edge: Delays, shapes: list[ShapeComparison]) -> list[Row]:
    rows = []
    for delay, uids, shape in zip(DELAYS[1:], edge.uids[1:], shapes, strict=True):
        both = (*edge.uids[0], *uids)
        if edge.name == "Br":
            expected = published.INVERSE_AREAS[DELAYS[0]] / published.INVERSE_AREAS[delay]
            remark = "published: ratio of the areas, with noise in it; ours: best scale of the 100 ps transient"
            rows.append(Row(f"Br transient, {delay} over 100 ps", "", expected, None, *shape.scale, both, remark))
        freedom = shape.degrees_of_freedom
        value, sigma = shape.chi_square / freedom, math.sqrt(2 / freedom)
        remark = f"chi-square of the scaled difference per degree of freedom; p = {shape.p_value:.2g}"
        rows.append(Row(f"{edge.name} shape, {delay} against 100 ps", "", 1.0, 0.0, value, sigma, both, remark))
    return rows


def _comparison_rows(edge: Delays) -> list[Row]:
    parameters = [edge.comparison(number) for number in range(len(DELAYS))]
    rows = []
    for delay, uids, c in zip(DELAYS, edge.uids, parameters, strict=True):
        rows.append(comparison_sign_row(f"{edge.name} C at {delay}, sign", -1.0, c, uids))
    first, *later = (edge.comparison(number, counted=True) for number in range(len(DELAYS)))
    for delay, uids, c in zip(DELAYS[1:], edge.uids[1:], later, strict=True):
        change = change_of_comparison(first, c)
        remark = "constant within the errors, says the paper; all counted, with the error of equal C"
        name = f"{edge.name} C, {delay} minus 100 ps"
        rows.append(Row(name, "", 0.0, 0.0, *change, (*edge.uids[0], *uids), remark))
    return rows


PART = Part(
    "delays",
    "areas, shapes and C against delay",
    nothing_to_measure,
    _reduce,
    needs=(BR_100PS, BR_10NS, PB_100PS, PB_10NS, KINETICS),
)
"""The part of this module."""
