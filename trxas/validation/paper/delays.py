"""The section that compares the delays: areas, the parameter C, shapes, and what remains at 163.5 ns (Fig. 2 and 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.reference_share import corrected_size, reference_share
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum
from reduction.xas.transient_shape import (
    AreaWithoutNoise,
    ShapeComparison,
    area_without_noise,
    compare_shapes,
    transient_covariance,
)
from reduction.xas.unpumped_size import percent_text, transient_size
from trxas.validation.paper import published
from trxas.validation.paper.delay_texts import area_text, offset_text
from trxas.validation.paper.figures import scaled_figure
from trxas.validation.paper.kinetics import NAME as KINETICS
from trxas.validation.paper.kinetics import global_fit
from trxas.validation.paper.row_kinds import comparison_sign_row
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult, nothing_to_measure
from trxas.validation.paper.spectra import BR_10NS, BR_100PS, PB_10NS, PB_100PS
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row, RowKind

DELAYS = tuple(published.INVERSE_AREAS)
"""100 ps, 10.1 ns and 163.5 ns."""


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Transients of one edge at `DELAYS`.

    `shown`: reduced as in the paper (Br: boxcar, boxcar, SPC; Pb: all SPC). `counted`: all by SPC, so that every
    comparison of shapes uses one recipe. `uids`: the runs behind each.
    """

    name: str
    shown: tuple[Spectrum, ...]
    counted: tuple[Spectrum, ...]
    uids: tuple[tuple[str, ...], ...]
    windows: EnergyWindows
    c_windows: ComparisonWindows

    def comparison(self, number: int, *, counted: bool = False) -> ComparisonParameter:
        """Return C at the delay `DELAYS[index]`, from the spectrum that is shown or from the counted one."""
        spectrum = (self.counted if counted else self.shown)[number]
        covariance = transient_covariance(spectrum, self.windows)
        return comparison_parameter(spectrum.energy_ev, spectrum.transient, covariance, self.c_windows)


def measured_delays(runs: StoredRuns) -> tuple[Delays, Delays]:
    """Return the Br and the Pb edge at all delays; raises ReductionError if a run cannot be reduced."""
    return _delays(runs, "Br", (BR_100PS, BR_10NS), BR_K), _delays(runs, "Pb", (PB_100PS, PB_10NS), PB_L3)


def _delays(runs: StoredRuns, name: str, scans: tuple[str, str], c_windows: ComparisonWindows) -> Delays:
    early, late = (runs.scan(scan) for scan in scans)
    # One run gives two delays: its probe 1 is the X-ray pulse one bunch period after probe 0. The boxcar integrates
    # probe 0 only, so the third spectrum can only be counted.
    counted = (spc_spectrum(early), spc_spectrum(late), spc_spectrum(late, probe=1))
    shown = (boxcar_spectrum(early), boxcar_spectrum(late), counted[2]) if name == "Br" else counted
    uids = (runs.uids(scans[0]), runs.uids(scans[1]), runs.uids(scans[1]))
    return Delays(
        name=name, shown=shown, counted=counted, uids=uids, windows=early.metadata.windows, c_windows=c_windows
    )


def _reduce(runs: StoredRuns) -> SectionResult:
    br, pb = measured_delays(runs)
    areas = [_area(br, number) for number in range(len(DELAYS))]
    shapes = {edge.name: [compare_shapes(edge.counted[0], later) for later in edge.counted[1:]] for edge in (br, pb)}
    rows = [*_area_rows(br, areas), *(_area_ratio_row(br, areas, number) for number in (1, 2))]
    for edge in (br, pb):
        rows += [*_shape_rows(edge, shapes[edge.name]), *_comparison_rows(edge)]
    # The figure scales with the raw areas, noise included, because the paper does: it is compared with Fig. 2 by eye.
    factors = [area.inverse_raw.value for area in areas]
    caption = "Static spectra and transients, times the inverse absolute area of the Br transient (Fig. 2a and b)"
    drawing = Drawing(name="fig-2ab", caption=caption, figure=scaled_figure([br.shown, pb.shown], factors, DELAYS))
    fit = global_fit(runs)
    rows += [
        _corrected_size_row(br, fit, published.BR_SIZE_PERCENT),
        _corrected_size_row(pb, fit, published.PB_SIZE_PERCENT),
    ]
    rows += _corrected_rows(br, shapes["Br"], [reference_share(fit, spectrum.metadata) for spectrum in br.counted])
    notes = (area_text(areas), offset_text(fit, areas, shapes["Br"]))
    return SectionResult(rows=tuple(rows), drawings=(drawing,), notes=notes)


def _area(edge: Delays, number: int) -> AreaWithoutNoise:
    """Return the area by the signs of another run: of the 100 ps transient for later delays, of 10.1 ns for 100 ps."""
    # A sum of |transient| counts noise as signal. Signs from another run are independent of this run's noise, which
    # then averages to zero. The 100 ps transient is the strongest; only it must take its signs from elsewhere.
    return area_without_noise(edge.shown[number], edge.windows, edge.counted[0 if number else 1])


def _area_rows(br: Delays, areas: list[AreaWithoutNoise]) -> list[Row]:
    rows = []
    for delay, area, uids in zip(DELAYS, areas, br.uids, strict=True):
        name = f"Br inverse absolute area, {delay}"
        share = area.excess / area.raw.value
        remark = f"by the paper's recipe; noise adds {share:.0%}"
        rows.append(_area_row(name, area.inverse_raw, uids, remark, published.INVERSE_AREAS[delay]))
        # The published areas include their noise, so a value without noise is compared with the truth alone.
        remark = "by the signs of another run, to which noise adds nothing"
        row = _area_row(f"{name}, without noise", area.inverse_projected, uids, remark, None)
        rows.append(replace(row, truth=f"inverse area.{delay}"))
    return rows


def _area_row(name: str, inverse: Value, uids: tuple[str, ...], remark: str, expected: float | None) -> Row:
    # An area that noise has turned negative or to 0 has no inverse: the row then has no value, instead of infinity.
    value, sigma = inverse if math.isfinite(inverse.value) else (None, None)
    return Row(
        name=name,
        expected=expected,
        expected_sigma=published.rounded(1.0),
        value=value,
        sigma=sigma,
        uids=uids,
        remark=remark,
    )


def _area_ratio_row(br: Delays, areas: list[AreaWithoutNoise], number: int) -> Row:
    """Return the ratio of a later area to that at 100 ps by the paper's recipe; their noise is independent."""
    first, later = (areas[index].raw for index in (0, number))
    ratio = later.value / first.value
    delay = DELAYS[number]
    expected = published.INVERSE_AREAS[DELAYS[0]] / published.INVERSE_AREAS[delay]
    return Row(
        name=f"Br absolute area, {delay} over 100 ps",
        expected=expected,
        # Both areas are rounded to 1; that of 100 ps is the smaller one and dominates.
        expected_sigma=published.rounded(1.0) * expected / published.INVERSE_AREAS[DELAYS[0]],
        value=ratio,
        sigma=ratio * math.hypot(later.sigma / later.value, first.sigma / first.value),
        uids=(*br.uids[0], *br.uids[number]),
        remark="by the paper's recipe; noise adds to both areas",
    )


def _shape_rows(edge: Delays, shapes: list[ShapeComparison]) -> list[Row]:
    rows = []
    for delay, uids, shape in zip(DELAYS[1:], edge.uids[1:], shapes, strict=True):
        both = (*edge.uids[0], *uids)
        # The paper states areas of bromine only; the Pb edge is compared by its shape alone.
        if edge.name == "Br":
            scale = Row(
                name=f"Br transient, {delay} over 100 ps",
                expected=None,
                value=shape.scale.value,
                sigma=shape.scale.sigma,
                uids=both,
                remark="best scale of the 100 ps transient, to which noise adds nothing",
                truth=f"ratio.{delay}",
            )
            rows.append(scale)
        freedom = shape.degrees_of_freedom
        agreement = Row(
            name=f"{edge.name} shape, {delay} against 100 ps",
            kind=RowKind.CONSISTENCY,
            expected=1.0,
            expected_sigma=0.0,
            value=shape.chi_square / freedom,
            # Chi-square with n degrees of freedom has the variance 2 n.
            sigma=math.sqrt(2 / freedom),
            uids=both,
            remark=f"chi-square of the scaled difference per degree of freedom; p = {shape.p_value:.2g}",
        )
        rows.append(agreement)
    return rows


def _corrected_size_row(edge: Delays, fit: KineticsFit, percent: Value) -> Row:
    """Return the size of the transient at 100 ps, in %, against a sample that was never pumped."""
    spectrum = edge.shown[0]
    share = reference_share(fit, spectrum.metadata)
    _, measured = transient_size(spectrum)
    size = corrected_size(measured, share)
    return Row(
        name=f"{edge.name} transient at 100 ps, corrected",
        unit="% of static",
        expected=percent.value,
        expected_sigma=percent.sigma,
        value=100 * size.value,
        sigma=100 * size.sigma,
        uids=edge.uids[0],
        remark=f"as measured, and as in the paper, {percent_text(measured)}; the reference holds "
        f"{percent_text(share)} of it, by the kinetic fit",
    )


def _corrected_rows(br: Delays, shapes: list[ShapeComparison], shares: list[Value]) -> list[Row]:
    """Return the ratios of the transients to that at 100 ps, each corrected for its share that the reference holds."""
    rows = []
    for delay, uids, shape, share in zip(DELAYS[1:], br.uids[1:], shapes, shares[1:], strict=True):
        # Both transients are differences to the same reference: the ratio of the signals is that of the differences
        # times the ratio of what the reference leaves of each.
        factor = (1.0 - shares[0].value) / (1.0 - share.value)
        relative = math.hypot(shares[0].sigma / (1.0 - shares[0].value), share.sigma / (1.0 - share.value))
        value = shape.scale.value * factor
        row = Row(
            name=f"Br transient, {delay} over 100 ps, corrected",
            expected=None,
            value=value,
            sigma=math.hypot(shape.scale.sigma * factor, value * relative),
            uids=(*br.uids[0], *uids),
            remark=f"the reference holds {share.value:.0%} of this transient and {shares[0].value:.0%} of that at "
            f"100 ps, by the kinetic fit; uncorrected {shape.scale.value:.3f}",
            truth=f"decay.{delay}",
        )
        rows.append(row)
    return rows


def _comparison_rows(edge: Delays) -> list[Row]:
    parameters = [edge.comparison(number) for number in range(len(DELAYS))]
    rows = []
    for delay, uids, c in zip(DELAYS, edge.uids, parameters, strict=True):
        rows.append(comparison_sign_row(f"{edge.name} C at {delay}, sign", -1.0, c, uids))
    first, *later = (edge.comparison(number, counted=True) for number in range(len(DELAYS)))
    for delay, uids, c in zip(DELAYS[1:], edge.uids[1:], later, strict=True):
        # The sign above is that of the spectra as published. A change needs one recipe for both, so the counted spectra
        # are compared.
        change = change_of_comparison(first, c)
        row = Row(
            name=f"{edge.name} C, {delay} minus 100 ps",
            expected=0.0,
            expected_sigma=0.0,
            value=change.value,
            sigma=change.sigma,
            uids=(*edge.uids[0], *uids),
            remark="the paper: constant within the errors; here by photon counting, with the error for equal C",
        )
        rows.append(row)
    return rows


SECTION = PaperSection(
    name="delays",
    title="areas, shapes and C against delay",
    measure=nothing_to_measure,
    reduce=_reduce,
    needs=(BR_100PS, BR_10NS, PB_100PS, PB_10NS, KINETICS),
)
"""The section of this module."""
