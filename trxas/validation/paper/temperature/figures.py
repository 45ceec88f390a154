"""Figures of the temperature sections, after Fig. 3 and S5 to S8 of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reduction.powder.phases import CUBIC
from reduction.xas.alignment import align, derivative_area_curve
from reduction.xas.comparison import ComparisonParameter, ComparisonWindows
from trxas.validation.paper import published
from trxas.validation.paper.figures import COLOURS, STATIC_COLOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reduction.powder.series import PowderSeries
    from reduction.xas.static_xas import SpectrumPoints
    from reduction.xas.transient import Spectrum
    from trxas.validation.paper.temperature.series import ThermalSeries

THERMAL_COLOUR = "#7A3E9D"

OPTIMISATION_WINDOW_EV = (13_455.0, 13_471.0)
"""Window of the paper's parameter, which compares the intensities at its ends: one of them is on the rise."""

SHIFTS_EV = np.linspace(-1.0, 1.0, 401)

EDGE_REGIONS_EV = {"Br K": (13_460.0, 13_485.0), "Pb L3": (13_015.0, 13_070.0)}
"""Energy range of each edge in Fig. 3."""


def differences_figure(series: Sequence[ThermalSeries], temperatures_c: Sequence[float]) -> Figure:
    """Draw the static spectra above and their differences at some temperatures (C) below (Fig. S5)."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, len(series), sharex="col")
    for (above, below), one in zip(panels.T, series, strict=True):
        _draw_static(above, one)
        _draw_differences(below, one, temperatures_c)
        below.legend(fontsize="small")
    return figure


def alignment_figure(spectrum: SpectrumPoints, reference: SpectrumPoints) -> Figure:
    """Draw the paper's optimisation parameter against the shift in eV, and the shift of best match (Fig. S6)."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    curve = derivative_area_curve(spectrum, reference, SHIFTS_EV, OPTIMISATION_WINDOW_EV)
    low, high = OPTIMISATION_WINDOW_EV
    axes.plot(SHIFTS_EV, curve, color=COLOURS[3], label=f"the paper's parameter, {low:g} to {high:g} eV")
    found = align(spectrum, reference, (reference.energy_ev[0], reference.energy_ev[-1])).shift_ev
    label = f"best match of all points: {found} eV"
    axes.axvline(found.value, color=COLOURS[0], linestyle="--", label=label)
    axes.set_xlabel("shift (eV)")
    axes.set_ylabel("difference of the areas under\nthe normalised derivative (eV)")
    axes.legend()
    return figure


def aligned_figure(series: ThermalSeries) -> Figure:
    """Draw the aligned and normalised spectra and their first derivatives (Fig. S7)."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    reference = series.reference.normalised
    spectra = {series.reference.setpoint_c: reference}
    spectra |= {temperature: difference.aligned for temperature, difference in series.differences.items()}
    for temperature_c, points in spectra.items():
        colour = temperature_colour(temperature_c)
        above.plot(points.energy_ev, points.intensity, color=colour, linewidth=0.9, label=f"{temperature_c:g} C")
        below.plot(points.energy_ev, np.gradient(points.intensity, points.energy_ev), color=colour, linewidth=0.9)
    above.set_ylabel("intensity / edge integral (1/eV)")
    below.set_ylabel("derivative (1/eV2)")
    _energy_axis(below)
    above.legend(ncols=2, fontsize="small")
    return figure


def thermal_and_optical_figure(
    series: Sequence[ThermalSeries],
    transients: Sequence[Sequence[Spectrum]],
    comparisons: Sequence[Sequence[ComparisonParameter]],
    delays: Sequence[str],
    windows: Sequence[ComparisonWindows],
) -> Figure:
    """Draw thermal differences, transients, and their parameter C against temperature and delay, by edge (Fig. 3)."""
    figure = Figure(figsize=(11, 11), layout="constrained")
    panels = figure.subplots(3, len(series))
    for column, one in enumerate(series):
        thermal, optical, axes = panels[:, column]
        _draw_differences(thermal, one, tuple(one.differences))
        for spectrum, delay, colour in zip(transients[column], delays, COLOURS, strict=False):
            values = (spectrum.energy_ev, 1e3 * spectrum.transient, 1e3 * spectrum.sigma)
            optical.errorbar(*values, fmt="o-", markersize=2, linewidth=0.8, color=colour, label=delay)
        optical.set_ylabel("pumped - unpumped\n(thousandths of the edge step)")
        for panel in (thermal, optical):
            panel.set_xlim(*EDGE_REGIONS_EV[one.edge])
            for low, high in windows[column]:
                panel.axvspan(low, high, color="0.85", zorder=0)
            _energy_axis(panel)
            panel.legend(fontsize="x-small", ncols=2)
        thermal.set_title(one.edge)
        _draw_comparison(axes, one, comparisons[column], delays)
    return figure


def _draw_comparison(
    axes: Axes, series: ThermalSeries, optical: Sequence[ComparisonParameter], delays: Sequence[str]
) -> None:
    thermal = {temperature: series.comparison(temperature) for temperature in series.differences}
    values = [c.value for c in thermal.values()]
    errors = [c.sigma for c in thermal.values()]
    axes.errorbar(list(thermal), values, errors, fmt="o", color=THERMAL_COLOUR, label="thermal")
    axes.set_xlabel("temperature (C)", color=THERMAL_COLOUR)
    axes.set_ylabel("C, main edge over pre-edge" + " (the paper draws 2 C)" * (series.edge == "Br K"))
    axes.axhline(0, color="0.6", linewidth=0.8)
    top = axes.twiny()
    places = list(range(len(delays)))
    values = [c.value for c in optical]
    errors = [c.sigma for c in optical]
    top.errorbar(places, values, errors, fmt="x", color="black", label="pump-probe")
    top.set_xlim(-0.5, len(delays) - 0.5)
    top.set_xticks(places, list(delays))
    top.set_xlabel("delay")
    axes.legend(loc="center left", fontsize="small")
    top.legend(loc="center right", fontsize="small")


def powder_figure(series: PowderSeries, temperatures_c: Sequence[float], shown_c: Sequence[float]) -> Figure:
    """Draw the patterns at some temperatures (C) above each other, with the lines of the cubic phase (Fig. S8)."""
    figure = Figure(figsize=(8, 6.5), layout="constrained")
    axes = figure.subplots()
    # Less than the highest line, so that the patterns interleave and weak lines stay visible.
    step = 0.7 * max(float(pattern.intensity.max()) for pattern in series.patterns)
    for number, temperature_c in enumerate(shown_c):
        index = list(temperatures_c).index(temperature_c)
        pattern = series.patterns[index]
        phase = series.phases[index].phase
        shown = (pattern.q_inv_angstrom > 1.3) & (pattern.q_inv_angstrom < 2.8)
        label = f"{temperature_c:g} C, {phase}"
        axes.plot(
            pattern.q_inv_angstrom[shown],
            pattern.intensity[shown] + number * step,
            color=temperature_colour(temperature_c),
            label=label,
        )
    for indices, q in _cubic_lines().items():
        axes.annotate(indices, (q, 1.0), xycoords=("data", "axes fraction"), ha="center", va="top", fontsize="small")
        axes.axvline(q, color="0.85", linewidth=0.8, zorder=0)
    axes.axvline(1.83, color="0.5", linestyle="--", linewidth=0.8, label="graphite")
    axes.set_xlabel("Q (1/Angstrom)")
    axes.set_ylabel("intensity per pixel minus the common line, shifted")
    figure.legend(loc="outside upper center", ncols=len(shown_c) + 1, fontsize="small")
    return figure


def temperature_colour(temperature_c: float) -> tuple[float, float, float, float]:
    """Return a colour from dark blue at 25 C to orange at 140 C, in equal steps between the paper's temperatures."""
    known = published.PB_TEMPERATURES_C
    # By rank, not by temperature: neighbours a few degrees apart must still be distinguishable. The last fifth of the
    # colour map is too bright on white.
    rank = float(np.interp(temperature_c, known, np.linspace(0.0, 0.8, len(known))))
    return tuple(colormaps["plasma"](rank))  # type: ignore[return-value]  # four floats


def averaged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of three neighbours, shape (points,), of two at the ends, as in Fig. 3; for drawing only."""
    kernel = np.ones(3)
    return np.asarray(np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same"))


def _draw_static(axes: Axes, series: ThermalSeries) -> None:
    points = series.reference.normalised
    axes.plot(points.energy_ev, points.intensity, color=STATIC_COLOUR)
    axes.set_title(f"{series.edge}, {series.reference.setpoint_c:g} C")
    axes.set_ylabel("intensity / edge integral (1/eV)")


def _draw_differences(axes: Axes, series: ThermalSeries, temperatures_c: Sequence[float]) -> None:
    for temperature_c in temperatures_c:
        points = series.differences[temperature_c].difference
        colour = temperature_colour(temperature_c)
        axes.plot(points.energy_ev, 1e4 * averaged(points.intensity), color=colour, label=f"{temperature_c:g} C")
        low = 1e4 * averaged(points.intensity - points.sigma)
        high = 1e4 * averaged(points.intensity + points.sigma)
        axes.fill_between(points.energy_ev, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_ylabel("difference to 25 C (1e-4 / eV)\n3-point mean")
    _energy_axis(axes)


def _energy_axis(axes: Axes) -> None:
    axes.set_xlabel("energy (eV)")
    axes.ticklabel_format(axis="x", useOffset=False)


def _cubic_lines() -> Mapping[str, float]:
    names = ("110", "111", "200", "210", "211")
    return dict(zip(names, CUBIC.lines_inv_angstrom(1.3, 2.8), strict=True))
