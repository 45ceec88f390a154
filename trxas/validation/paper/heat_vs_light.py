"""The section that compares heat with light: thermal differences, transients, and C of both (Fig. 3)."""

from __future__ import annotations

import numpy as np

from reduction.number_text import with_error
from reduction.xas.thermal_difference import ThermalDifference
from reduction.xas.transient import Spectrum
from trxas.validation.paper import published
from trxas.validation.paper.delays import DELAYS, Delays, measured_delays
from trxas.validation.paper.delays import SECTION as DELAYS_SECTION
from trxas.validation.paper.row_kinds import sign_row
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult, nothing_to_measure
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.paper.temperature.figures import thermal_and_optical_figure
from trxas.validation.paper.temperature.section import NAME as TEMPERATURE
from trxas.validation.paper.temperature.series import BR, COMPARISON_WINDOWS, PB, ThermalSeries, thermal_series

HEATED_C = 140.0
"""The highest temperature measured, nearest to 25 C plus the upper limit of the photothermal rise, 120 K."""


def _reduce(runs: StoredRuns) -> SectionResult:
    optical = measured_delays(runs)
    series = [thermal_series(runs, edge) for edge in (BR, PB)]
    rows = [row for delays, thermal in zip(optical, series, strict=True) for row in _pre_edge_rows(delays, thermal)]
    figure = thermal_and_optical_figure(
        series,
        [delays.shown for delays in optical],
        [[delays.comparison(number) for number in range(len(DELAYS))] for delays in optical],
        DELAYS,
        [COMPARISON_WINDOWS[edge] for edge in (BR, PB)],
    )
    caption = "Differences by heat and by light, and C of both (Fig. 3)"
    texts = [_text(delays, thermal) for delays, thermal in zip(optical, series, strict=True)]
    drawing = Drawing(name="fig-3-thermal-and-optical", caption=caption, figure=figure)
    return SectionResult(rows=tuple(rows), drawings=(drawing,), notes=tuple(texts))


def _pre_edge_rows(delays: Delays, thermal: ThermalSeries) -> list[Row]:
    """Return the signs of the change before the edge: light opens a channel there, heat does not."""
    c = delays.comparison(0)
    heated = thermal.comparison(HEATED_C)
    low, high = COMPARISON_WINDOWS[thermal.edge].pre_edge_ev
    where = f"{low / 1e3:g}-{high / 1e3:g} keV"
    light = f"{with_error(1e3 * c.pre_edge.value, 1e3 * c.pre_edge.sigma)} thousandths of the edge step"
    heat = f"{with_error(1e5 * heated.pre_edge.value, 1e5 * heated.pre_edge.sigma)} x 1e-5 /eV"
    return [
        sign_row(f"{delays.name} at {where}, 100 ps, sign", 1.0, c.pre_edge, delays.uids[0], light),
        sign_row(
            f"{delays.name} at {where}, {HEATED_C:g} C, sign", -1.0, heated.pre_edge, thermal.uids[HEATED_C], heat
        ),
    ]


def _text(delays: Delays, thermal: ThermalSeries) -> str:
    # The counted transient, because the chi-square of this comparison needs errors that are those of counts alone.
    share, chi_square, freedom = heat_in_transient(delays.counted[0], thermal.differences[HEATED_C])
    absorbed = published.PHOTOTHERMAL_RISE_K
    return (
        f"{thermal.edge}: the transient at 100 ps is not a thermal difference. At its best scale, the difference "
        f"between {HEATED_C:g} and 25 C (the paper's upper limit of the photothermal rise is {absorbed:.0f} K) "
        f"leaves a chi-square of {chi_square:.0f} for {freedom} degrees of freedom, at a scale of {share:.2g}."
    )


def heat_in_transient(transient: Spectrum, difference: ThermalDifference) -> tuple[float, float, int]:
    """Return the best scale of a thermal difference in a transient, chi-square of the rest, and degrees of freedom.

    An offset and a multiple of the static spectrum are free parameters. Both spectra are in units of the edge integral;
    the errors are those of the transient and of the scaled difference, point by point. Where the energies differ, the
    difference is interpolated.
    """
    points = difference.difference
    heat, heat_sigma = (
        np.interp(transient.energy_ev, points.energy_ev, values) for values in (points.intensity, points.sigma)
    )
    # Thermal spectra are divided by their edge integral, transients by the edge step: bring both to one unit.
    unit = float(np.trapezoid(transient.off, transient.energy_ev))
    value = transient.transient / unit
    sigma = transient.sigma / unit
    scale = 0.0
    # The error of the scaled difference depends on the scale. It is the smaller error, so few iterations suffice.
    for _ in range(5):
        weight = 1.0 / np.hypot(sigma, scale * heat_sigma)
        # Normalisation can leave a multiple of the static spectrum and an offset in either of the two; both are fitted
        # away, so that they cannot pass for a difference of shape.
        design = np.column_stack([heat, transient.off, np.ones_like(heat)]) * weight[:, None]
        fit, *_ = np.linalg.lstsq(design, value * weight, rcond=None)
        scale = float(fit[0])
    left = value * weight - design @ fit
    return scale, float(left @ left), value.size - design.shape[1]


SECTION = PaperSection(
    name="thermal",
    title="heat against light",
    measure=nothing_to_measure,
    reduce=_reduce,
    needs=(*DELAYS_SECTION.needs, TEMPERATURE),
)
"""The section of this module."""
