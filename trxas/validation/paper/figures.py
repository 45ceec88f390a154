"""Figures of the instrument and pump-probe sections, after Fig. 2 of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gui.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, VERMILION
from reduction.xas.delay_axis import ArmResult
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.results import FoilResults
from reduction.xas.signal_rise import Rise
from reduction.xas.transient import Spectrum, Trace
from trxas.results.figures import draw_delay_axis, draw_static, draw_transient, fit_delays_ps

COLOURS = (VERMILION, ORANGE, GREY, BLUE, GREEN, PURPLE, SKY_BLUE)
"""Okabe and Ito's; the first three stand for 100 ps, 10.1 ns and 163.5 ns, as in the paper."""

STATIC_COLOUR = "black"

BR_COLOUR = COLOURS[0]
PB_COLOUR = COLOURS[3]


def spectra_figure(spectra: list[Spectrum]) -> Figure:
    """Draw the static spectrum above and the transients below, against the energy in eV."""
    figure = Figure(figsize=(7, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    draw_static(above, spectra[0], pumped=False)
    for spectrum in spectra:
        draw_transient(below, spectrum, colour=None)
    return figure


def scaled_figure(edges: Sequence[Sequence[Spectrum]], factors: Sequence[float], delays: Sequence[str]) -> Figure:
    """Draw static spectrum and transients of each edge against the energy in eV (Fig. 2a and b).

    Each transient is multiplied by its factor.
    """
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    for axes, spectra in zip(figure.subplots(1, len(edges)), edges, strict=True):
        _draw_scaled(axes, spectra, factors, delays)
    return figure


def _draw_scaled(axes: Axes, spectra: Sequence[Spectrum], factors: Sequence[float], delays: Sequence[str]) -> None:
    first = spectra[0]
    axes.plot(first.energy_ev, first.off / first.off[-1] + 1.0, color=STATIC_COLOUR, label="static + 1")
    # One unit for all transients keeps them in the paper's ratio and makes them fit under the static spectrum.
    unit = 0.6 / np.abs(factors[0] * first.transient).max()
    for number, (spectrum, factor, delay) in enumerate(zip(spectra, factors, delays, strict=True)):
        scale = unit * factor
        axes.errorbar(
            spectrum.energy_ev,
            scale * spectrum.transient - 0.9 * number,
            scale * spectrum.sigma,
            fmt="o-",
            markersize=2,
            linewidth=0.8,
            color=COLOURS[number],
            label=f"{delay}, x{factor:.0f}",
        )
        axes.axhline(-0.9 * number, color="0.8", linewidth=0.8, zorder=0)
    axes.set_title(first.metadata.edge)
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("static (last point = 1), transients scaled and shifted")
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_ylim(top=3.0)
    axes.legend(fontsize="small", loc="upper center", ncols=2)


def kinetics_figure(traces: Sequence[Trace], fit: KineticsFit, names: Sequence[str]) -> Figure:
    """Draw both traces relative to their fitted amplitudes against the delay in ps, and the common fit (Fig. 2c)."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for number, (trace, name, colour) in enumerate(zip(traces, names, (BR_COLOUR, PB_COLOUR), strict=True)):
        amplitude = fit.amplitudes[number].value
        # A measured trace is 0 at its early delays, although earlier pumps leave a signal there. The fit knows that
        # signal; its zero puts points and curve on one scale.
        axes.errorbar(
            trace.delay_ps,
            (trace.transient - fit.zero_of(trace, trace=number)) / amplitude,
            trace.sigma / abs(amplitude),
            fmt="os"[number],
            markersize=3,
            linewidth=1,
            color=colour,
            label=f"{name}, amplitude {100 * amplitude:.2g} %",
        )
    fine = fit_delays_ps(traces[0])
    curve = fit.curve(fine) / fit.amplitude.value
    axes.plot(fine, curve, color=STATIC_COLOUR, label=f"fit: {fit.tau1_ps.value:.0f} ps, {fit.tau2_ps.value:.0f} ps")
    draw_delay_axis(axes)
    axes.set_ylabel("transient over its amplitude")
    return figure


def foil_figure(found: Mapping[str, FoilResults]) -> Figure:
    """Draw the absorption of the foil against the energy in eV, and the position of its edge, by scan."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for (when, results), colour in zip(found.items(), COLOURS, strict=False):
        edge = results.edge_ev
        label = when if edge is None else f"{when}: {edge} eV"
        axes.plot(*results.absorption, ".-", color=colour, label=label)
        if edge is not None:
            axes.axvline(edge.value, color=colour, linewidth=0.8, linestyle="--")
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("ln(I0 / foil)")
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.legend()
    return figure


def rises_figure(rises: Mapping[str, Rise], results: Mapping[str, ArmResult]) -> Figure:
    """Draw the rise of every arm of the self-test against the delay from its own zero, ps."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for (name, rise), colour in zip(rises.items(), COLOURS, strict=False):
        axes.errorbar(
            rise.delay_ps,
            100 * rise.change,
            100 * rise.sigma,
            fmt="o-",
            markersize=3,
            linewidth=0.8,
            color=colour,
            label=results[name].text(name),
        )
    axes.axvline(0, color="0.6", linewidth=0.8)
    axes.set_xlabel("delay from the arm's own zero (ps)")
    axes.set_ylabel("pumped over unpumped (%)")
    axes.legend(fontsize="small")
    return figure
