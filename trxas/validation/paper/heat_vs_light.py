"""The part that holds heat against light: thermal differences beside transients, and C of both (Fig. 3)."""

from __future__ import annotations

import numpy as np

from reduction.number_text import plus_minus
from reduction.xas.alignment import ThermalDifference
from reduction.xas.transient import Spectrum
from trxas.validation.paper import published
from trxas.validation.paper.campaign import Drawing, Part, PartResult, nothing_to_measure
from trxas.validation.paper.delays import DELAYS, Delays, measured_delays
from trxas.validation.paper.delays import PART as DELAYS_PART
from trxas.validation.paper.rows import sign_row
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.paper.temperature.figures import thermal_and_optical_figure
from trxas.validation.paper.temperature.section import NAME as TEMPERATURE
from trxas.validation.paper.temperature.series import BR, COMPARISON_WINDOWS, PB, ThermalSeries, thermal_series

HEATED_C = 140.0
"""25 C and the upper limit of the photothermal rise, 120 K: the highest temperature measured comes nearest."""


def _reduce(runs: StoredRuns) -> PartResult:
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
    return PartResult(tuple(rows), (Drawing("fig-3-thermal-and-optical", caption, figure),), tuple(texts))


def _pre_edge_rows(delays: Delays, thermal: ThermalSeries) -> list[Row]:
    """Sign before the edge: light opens a channel there, heat does not."""
    c, heated = delays.comparison(0), thermal.comparison(HEATED_C)
    low, high = COMPARISON_WINDOWS[thermal.edge].pre_edge_ev
    where = f"{low / 1e3:g}-{high / 1e3:g} keV"
    light = f"{plus_minus(1e3 * c.pre_edge.value, 1e3 * c.pre_edge.sigma)} thousandths of the edge step"
    heat = f"{plus_minus(1e5 * heated.pre_edge.value, 1e5 * heated.pre_edge.sigma)} x 1e-5 /eV"
    return [
        sign_row(f"{delays.name} at {where}, 100 ps, sign", 1.0, c.pre_edge, delays.uids[0], light),
        sign_row(
            f"{delays.name} at {where}, {HEATED_C:g} C, sign", -1.0, heated.pre_edge, thermal.uids[HEATED_C], heat
        ),
    ]


def _text(delays: Delays, thermal: ThermalSeries) -> str:
    share, chi_square, freedom = heat_in_transient(delays.counted[0], thermal.differences[HEATED_C])
    absorbed = published.PHOTOTHERMAL_RISE_K
    return (
        f"{thermal.edge}: the transient at 100 ps is not the difference that heat makes. Scaled to fit best, the "
        f"difference of {HEATED_C:g} to 25 C (the paper's upper limit of the photothermal rise is {absorbed:.0f} K) "
        f"leaves a chi-square of {chi_square:.0f} for {freedom} degrees of freedom, at a scale of {share:.2g}."
    )


def heat_in_transient(transient: Spectrum, difference: ThermalDifference) -> tuple[float, float, int]:
    """Best scale of a thermal difference in a transient, chi-square of what is left, and degrees of freedom.

    An offset and a multiple of the static spectrum are free. Both on the scale of the edge integral, the errors those
    of the transient and of the scaled difference's points. Where the energies differ, the difference is interpolated.
    """
    points = difference.difference
    heat, heat_sigma = (
        np.interp(transient.energy_ev, points.energy_ev, values) for values in (points.intensity, points.sigma)
    )
    unit = float(np.trapezoid(transient.off, transient.energy_ev))
    value, sigma = transient.transient / unit, transient.sigma / unit
    scale = 0.0
    # The scaled error of the difference depends on the scale; it settles at once, being the smaller one.
    for _ in range(5):
        weight = 1.0 / np.hypot(sigma, scale * heat_sigma)
        design = np.column_stack([heat, transient.off, np.ones_like(heat)]) * weight[:, None]
        fit, *_ = np.linalg.lstsq(design, value * weight, rcond=None)
        scale = float(fit[0])
    left = value * weight - design @ fit
    return scale, float(left @ left), value.size - design.shape[1]


PART = Part(
    "thermal",
    "heat against light",
    nothing_to_measure,
    _reduce,
    needs=(*DELAYS_PART.needs, TEMPERATURE),
)
"""The part of this module."""
