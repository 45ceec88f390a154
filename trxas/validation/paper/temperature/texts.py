"""Paragraphs on alignment and on C against temperature, with the numbers of the campaign."""

from __future__ import annotations

from collections.abc import Mapping

from reduction.number_text import plus_minus
from reduction.values import Value
from trxas.validation.paper.temperature.series import ThermalSeries


def alignment_text(series: Mapping[str, ThermalSeries], backlash: Value) -> str:
    """What was aligned, and why not by best match."""
    told = " ".join(_matched(one) for one in series.values())
    return (
        "Alignment. The paper's spectra were shifted by backlash, and each was moved to where it matched that at 25 C "
        "best. Here every long move down in energy ends from below. A spectrum taken without that is shifted by "
        f"{plus_minus(backlash.value, backlash.sigma)} eV against its twin at the same temperature (Fig. S6). Best "
        f"match cannot tell a change of shape from a shift. {told} Then the mean with the Varshni-corrected spectrum, "
        "the pre-edge offset, and the edge integral, as in SI 8; errors are propagated through all of it."
    )


def _matched(series: ThermalSeries) -> str:
    warmest = max(series.matched)
    found = series.matched[warmest]
    text = (
        f"{series.edge}: at {warmest:g} C it would take {plus_minus(*found.shift_ev)} eV out, at a chi-square of "
        f"{found.chi_square:.0f} for {found.degrees_of_freedom} degrees of freedom; the last spectrum at 25 C lies "
        f"{plus_minus(1e3 * series.returned.value, 1e3 * series.returned.sigma)} meV from the first,"
    )
    return f"{text} so no shift was taken out." if series.fixed else f"{text} so the matched shifts were taken out."


def crossing_text(series: Mapping[str, ThermalSeries]) -> str:
    """C at every temperature."""
    told = []
    for edge, one in series.items():
        values = {t: one.comparison(t) for t in one.differences}
        told.append(f"{edge}: " + ", ".join(f"{plus_minus(c.value, c.sigma)} at {t:g} C" for t, c in values.items()))
    return "C of the thermal differences. " + "; ".join(told) + "."
