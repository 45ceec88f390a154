"""Paragraphs on alignment and on C against temperature, with the numbers of the campaign."""

from __future__ import annotations

from collections.abc import Mapping

from reduction.number_text import with_error
from reduction.values import Value
from trxas.validation.paper.temperature.series import ThermalSeries


def alignment_text(series: Mapping[str, ThermalSeries], backlash: Value) -> str:
    """Return the paragraph on the alignment: what was shifted, and why not by best match."""
    matches = " ".join(_matched(one) for one in series.values())
    return (
        "Alignment. The paper's spectra were shifted by backlash, and each was moved to its best match with the "
        "spectrum at 25 C. Here every long move down in energy ends from below, which takes the backlash up. A "
        f"spectrum taken without this is shifted by {with_error(backlash.value, backlash.sigma)} eV against the other "
        f"one at the same temperature (Fig. S6). Best match cannot tell a change of shape from a shift. {matches} Then "
        "follow the mean with the Varshni-corrected spectrum, the pre-edge offset, and the edge integral, as in SI 8. "
        "Errors are propagated through all steps."
    )


def _matched(series: ThermalSeries) -> str:
    warmest = max(series.matched)
    found = series.matched[warmest]
    text = (
        f"{series.edge}: at {warmest:g} C it would give a shift of {with_error(*found.shift_ev)} eV, at a chi-square "
        f"of {found.chi_square:.0f} for {found.degrees_of_freedom} degrees of freedom; the last spectrum at 25 C lies "
        f"{with_error(1e3 * series.returned.value, 1e3 * series.returned.sigma)} meV from the first,"
    )
    return (
        f"{text} so no shift was corrected." if series.shifts_fixed else f"{text} so the matched shifts were corrected."
    )


def crossing_text(series: Mapping[str, ThermalSeries]) -> str:
    """Return the paragraph with the parameter C of both edges at every temperature."""
    values_by_edge = []
    for edge, one in series.items():
        values = {t: one.comparison(t) for t in one.differences}
        values_by_edge.append(
            f"{edge}: " + ", ".join(f"{with_error(c.value, c.sigma)} at {t:g} C" for t, c in values.items())
        )
    return "C of the thermal differences. " + "; ".join(values_by_edge) + "."
