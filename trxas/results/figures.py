"""Figures of reduced runs, after Fig. 2 of the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import ArrayLike, NDArray

from errors import InputError, ReductionError
from gui.delay_scale import LINEAR_DECADES, LINEAR_TO_PS, curve_delays_ps
from gui.palette import ORANGE, ROLES_ON_WHITE, SKY_BLUE
from reduction.kinds import RunReduction
from reduction.number_text import delay_text, with_error
from reduction.run_kind import RunCurve, RunResults
from reduction.values import Value
from reduction.xas.combination.results import CombinedSpectra, CombinedTrace
from reduction.xas.fluence_fit import FluenceFit
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.kinetics.stitched import StitchedTrace
from reduction.xas.map_components import MapComponents
from reduction.xas.map_results import MapResults
from reduction.xas.results import FluenceResults, SpectrumResults, TraceResults
from reduction.xas.species import SpeciesSpectra
from reduction.xas.transient import FluenceScan, Spectrum, Trace
from trxas.results.components_figure import components_figure, species_figure
from trxas.results.map_figure import map_figure
from trxas.results.stitched_figure import stitched_figure
from trxas.techniques import parts

OFF_COLOUR = ROLES_ON_WHITE["off"]
ON_COLOUR = ROLES_ON_WHITE["on"]
TRANSIENT_COLOUR = ROLES_ON_WHITE["transient"]
FIT_COLOUR = ROLES_ON_WHITE["fit"]

TRANSIENT_COLOURS = (TRANSIENT_COLOUR, FIT_COLOUR, SKY_BLUE, ORANGE)
"""Colours of transients by several detectors in one panel (Okabe and Ito), apart from those of pumped and unpumped."""

DELAY_TICKS_PS = (-500.0, -200.0, 0.0, 200.0, 500.0, 2e3, 1e4, 1e5)


def figure_of(results: RunResults, reduction: RunReduction) -> Figure | None:
    """Return a figure of a run's results, or None if there is nothing to draw.

    A kind of run may have its own figure; all others show their curve.
    """
    draw = reduction.kind.figure or FIGURES.get(type(results))
    try:
        # Results without numbers have no class of their own.
        if draw is not None and type(results) is not RunResults:
            return draw(results)
        return curve_figure(reduction.curve(), results.kind)
    except (ReductionError, InputError):
        # The results' remarks give the reason.
        return None


def figure_of_results(results: RunResults) -> Figure:
    """Return the figure of results without their run, such as those of several; raises InputError if they have none."""
    draw = FIGURES.get(type(results))
    if draw is None:
        raise InputError(
            f"Results of the class {type(results).__name__} have no figure of their own. "
            f"{' '.join(results.remarks) or 'Their run has one: see its report.'}"
        )
    return draw(results)


def curve_figure(curve: RunCurve, title: str) -> Figure:
    """Return a figure of one curve (points,), with error bars where it has errors, in the units of its axes."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    if curve.sigma is None:
        axes.plot(curve.x, curve.y, color=TRANSIENT_COLOUR)
    else:
        axes.errorbar(curve.x, curve.y, yerr=curve.sigma, fmt="o", markersize=3, linewidth=1, color=TRANSIENT_COLOUR)
    axes.set_xlabel(curve.axis)
    axes.set_ylabel(curve.quantity)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_title(title)
    return figure


def energy_figure(spectra: Sequence[Spectrum]) -> Figure:
    """Return a figure: the static spectrum on top, below it a transient per spectrum, against the energy in eV."""
    figure = Figure(figsize=(7, 6), layout="constrained")
    static, transient = figure.subplots(2, 1, sharex=True, height_ratios=[3, 4])
    draw_spectra(figure, static, transient, spectra)
    static.set_title(_title(spectra[0]))
    return figure


def draw_spectra(figure: Figure, static: Axes, transient: Axes, spectra: Sequence[Spectrum]) -> None:
    """Draw the static spectrum of the first and the transients of all, two panels without a gap on one energy axis, eV.

    One legend names the curves of both panels, and both have a line at zero.
    """
    draw_static(static, spectra[0])
    for spectrum, colour in zip(spectra, cycle(TRANSIENT_COLOURS), strict=False):
        draw_transient(transient, spectrum, colour=colour)
    static.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    static.set_xlabel("")
    static.tick_params(axis="x", labelbottom=False, direction="in")
    for axes in (static, transient):
        # Room between the curves and the common border, so that its tick labels do not touch.
        axes.margins(y=0.09)
        legend = axes.get_legend()
        if legend is not None:
            legend.remove()
    handles = [*static.get_legend_handles_labels()[0], *transient.get_legend_handles_labels()[0]]
    # The post-edge region of the static spectrum is empty below the curve.
    static.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 0.08), frameon=False, fontsize="small")
    figure.align_ylabels([static, transient])
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        # Without padding a title would touch the edge of the figure.
        engine.set(hspace=0.0, h_pad=0.0, rect=(0.0, 0.01, 1.0, 0.98))


def delay_figure(trace: Trace, fit: KineticsFit | None) -> Figure:
    """Return a figure: the transient in % against the delay in ps, and its fit if there is one."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    draw_trace(axes, trace, fit)
    axes.set_title(f"{trace.metadata.sample} {trace.metadata.edge}, {trace.metadata.energy_ev:.1f} eV".strip())
    return figure


def fluence_figure(scans: Sequence[FluenceScan], lines: Sequence[FluenceFit | None]) -> Figure:
    """Return a figure: transients in % against the fluence in mJ/cm2, a panel per scan (Fig. S2).

    Each panel has the line of the linear regime, if that was fitted.
    """
    figure = Figure(figsize=(7, 3.5 * len(scans)), layout="constrained")
    for axes, scan, line in zip(np.ravel(figure.subplots(len(scans), 1)), scans, lines, strict=True):
        about = scan.metadata
        values = (scan.fluence_mj_cm2, 100 * scan.transient, 100 * scan.sigma)
        _error_bars(axes, *values, colour=TRANSIENT_COLOUR, label=f"measured, scans: {about.scans}")
        if line is not None:
            axes.plot(
                scan.fluence_mj_cm2, 100 * line.line(scan.fluence_mj_cm2), color=FIT_COLOUR, label="linear regime"
            )
        axes.set_xlabel("fluence (mJ/cm2)")
        axes.set_ylabel("pumped - unpumped\n(% of unpumped)")
        axes.set_title(f"{about.edge}, {about.energy_ev:.1f} eV, {delay_text(about.delay_ps or 0.0)}")
        axes.legend()
    return figure


def summary_figure(spectrum: Spectrum, trace: Trace, fit: KineticsFit) -> Figure:
    """Return the static spectrum above its transient on one energy axis, and the kinetics with fit beside them.

    Energies in eV, delays in ps. That is the content of Fig. 2 of the paper for one edge.
    """
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    places = figure.subplot_mosaic([["static", "trace"], ["transient", "trace"]], height_ratios=[3, 4])
    static = places["static"]
    transient = places["transient"]
    kinetics = places["trace"]
    transient.sharex(static)
    draw_spectra(figure, static, transient, [spectrum])
    static.set_title(f"{spectrum.metadata.edge}: {_delay_label(spectrum)} after the pump")
    draw_trace(kinetics, trace, fit)
    kinetics.set_title(f"Kinetics at {trace.metadata.energy_ev:.1f} eV")
    return figure


def draw_static(axes: Axes, spectrum: Spectrum, *, pumped: bool = True) -> None:
    """Draw the unpumped and, if `pumped`, the pumped spectrum as lines; energies in eV."""
    axes.plot(spectrum.energy_ev, spectrum.off, "-", color=OFF_COLOUR, label="unpumped")
    if pumped:
        axes.plot(spectrum.energy_ev, spectrum.on, "--", color=ON_COLOUR, label="pumped")
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("fluorescence\n(post-edge = 1)")
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.legend(loc="center right")


def draw_transient(axes: Axes, spectrum: Spectrum, *, colour: str | None = TRANSIENT_COLOUR) -> None:
    """Draw a transient with error bars against the energy in eV.

    A reference other than the unpumped probe is named in the legend, and that all gates were used.
    """
    metadata = spectrum.metadata
    references = {"unpumped probe": "", "laser shutter": ", against the laser shutter", "all gates": ", by all gates"}
    against = references[metadata.reference]
    detector = metadata.detector or metadata.mode
    label = f"{_delay_label(spectrum)}, {detector}, scans: {metadata.scans}{against}"
    _error_bars(axes, spectrum.energy_ev, spectrum.transient, spectrum.sigma, colour=colour, label=label)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("pumped - unpumped\n(post-edge = 1)")
    axes.legend(loc="best", fontsize="small")


def draw_trace(axes: Axes, measured: Trace, fit: KineticsFit | None, *, trace: int = 0) -> None:
    """Draw a transient against the delay in ps, in per cent of the static signal.

    The delay axis is linear around time zero and logarithmic later. `trace`: index of the trace in a global fit.
    """
    scaled = (100 * measured.transient, 100 * measured.sigma)
    _error_bars(axes, measured.delay_ps, *scaled, colour=TRANSIENT_COLOUR, label="measured")
    if fit is not None:
        # The fit is drawn at first delays, as the pump sees them, and shifted to the delays of the probe that is shown.
        fine = fit_delays_ps(measured)
        curve = fit.curve_through(measured, fine, trace=trace)
        shift = measured.delay_ps[0] - measured.first_delay_ps[0]
        axes.plot(fine + shift, 100 * curve, color=FIT_COLOUR, label=_fit_label(fit))
    draw_delay_axis(axes)
    axes.set_ylabel("pumped - unpumped (% of unpumped)")


def fit_delays_ps(measured: Trace) -> NDArray[np.float64]:
    """First delays at which a fit of the trace makes a smooth curve, ps."""
    low_ps, high_ps = measured.first_delay_ps[[0, -1]]
    return curve_delays_ps(float(low_ps), float(high_ps))


def draw_delay_axis(axes: Axes) -> None:
    """Draw the delay axis in ps, linear up to 500 ps and logarithmic beyond, a line at zero, and the legend."""
    axes.set_xscale("symlog", linthresh=LINEAR_TO_PS, linscale=LINEAR_DECADES)
    axes.set_xticks(DELAY_TICKS_PS, [delay_text(tick) for tick in DELAY_TICKS_PS])
    axes.minorticks_off()
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_xlabel("delay, logarithmic above 500 ps")
    axes.legend(loc="best")


def _spectra_figure(results: SpectrumResults) -> Figure:
    if not results.spectra:
        raise ReductionError("No mode has a spectrum. The remarks of the results give the reason.")
    first = results.primary
    return energy_figure(sorted(results.most_precise, key=lambda one: one is not first))


FIGURES: dict[type[RunResults], Callable[[Any], Figure]] = {
    SpectrumResults: _spectra_figure,
    TraceResults: lambda results: delay_figure(results.trace, results.fit),
    CombinedSpectra: _spectra_figure,
    CombinedTrace: lambda results: delay_figure(results.trace, _mean_amplitude(results.fit)),
    FluenceResults: lambda results: fluence_figure([results.dependence], [results.line]),
    MapResults: map_figure,
    StitchedTrace: stitched_figure,
    MapComponents: components_figure,
    SpeciesSpectra: species_figure,
}
"""Functions that draw results, by the class of the results; all others are drawn as a curve."""

for _module in parts("trxas.results", "figures").values():
    FIGURES.update(_module.FIGURES)


def _mean_amplitude(fit: KineticsFit | None) -> KineticsFit | None:
    """Return the fit to several runs with the weighted mean of their amplitudes, which a combined trace has."""
    if fit is None:
        return None
    values, sigmas = np.array(fit.amplitudes).T
    weights = sigmas**-2.0
    mean = Value(float(np.average(values, weights=weights)), float(weights.sum() ** -0.5))
    return replace(fit, amplitudes=(mean,))


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG, making its folder; return the path. Raises OSError if it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path


def _error_bars(axes: Axes, x: ArrayLike, y: ArrayLike, sigma: ArrayLike, *, colour: str | None, label: str) -> None:
    axes.errorbar(x, y, yerr=sigma, fmt="o", markersize=3, linewidth=1, capsize=0, color=colour, label=label)


def _delay_label(spectrum: Spectrum) -> str:
    return delay_text(spectrum.metadata.delay_ps or 0.0)


def _fit_label(fit: KineticsFit) -> str:
    if fit.undetermined:
        return "fit, lifetimes or fractions not determined"
    lifetimes = (with_error(tau_ps.value, tau_ps.sigma, "ps") for tau_ps in fit.lifetimes_ps)
    rise = "" if fit.rise_ps is None else f"rise {with_error(fit.rise_ps.value, fit.rise_ps.sigma, 'ps')}, "
    return f"fit: {rise}{', '.join(lifetimes)}"


def _title(spectrum: Spectrum) -> str:
    return f"{spectrum.metadata.sample} {spectrum.metadata.edge}".strip()
