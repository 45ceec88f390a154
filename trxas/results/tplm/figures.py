"""Figures of photoluminescence maps, decays and spectra, after Fig. 1 of their paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gui.palette import ROLES_ON_WHITE
from reduction.run_kind import RunResults
from reduction.tplm.limits import diffusivity_text
from reduction.tplm.map_model import NM2_PER_NS
from reduction.tplm.results import DecayResults, MapResults
from reduction.tplm.spectrum import EV_NM
from reduction.tplm.spectrum_results import SpectrumResults

MEASURED_COLOUR = ROLES_ON_WHITE["transient"]
FIT_COLOUR = ROLES_ON_WHITE["fit"]

SHOWN_NM = 60.0
"""Distance from the peak up to which spectra are drawn, nm."""


def map_figure(results: MapResults) -> Figure:
    """Return mean square displacement, nm2, with the fit, above the light of the whole image, against delay in ns."""
    figure, (moved, light) = _axes(2)
    widths = results.widths
    fit = results.fit
    time = np.linspace(0.0, 3.0, 50)
    moved.plot(time, 2 * NM2_PER_NS * fit.common[0] * time, color=FIT_COLOUR, zorder=3, label="fit of the whole map")
    if widths is not None:
        shown = widths.variance_nm2 - fit.common[1]
        moved.errorbar(widths.time_ns, shown, widths.sigma_nm2, fmt="o", markersize=3, color=MEASURED_COLOUR)
        light.errorbar(
            widths.delay_ns, widths.light / widths.light.max(), widths.light_sigma / widths.light.max(), fmt="o",
            markersize=3, color=MEASURED_COLOUR,
        )  # fmt: skip
    moved.set_ylabel("mean square displacement (nm2)")
    moved.set_title(diffusivity_text(results.diffusivity_cm2_s))
    moved.legend()
    light.set_yscale("log")
    light.set_ylabel("light of the image (relative)")
    light.set_xlabel("delay (ns)")
    return figure


def decay_figure(results: DecayResults) -> Figure:
    """Return the decay, photons per pulse and channel, against delay in ns, from before the pulse to 20 ns."""
    figure, (axes,) = _axes(1)
    curve = results.decay.curve
    shown = (curve.delay_ns > -1) & (curve.delay_ns < 20)
    axes.plot(curve.delay_ns[shown], curve.light[shown], color=MEASURED_COLOUR, linewidth=1)
    axes.axhline(results.decay.background, color=FIT_COLOUR, linestyle="--", label="before the pulse")
    axes.set_yscale("log")
    axes.set_xlabel("delay (ns)")
    axes.set_ylabel("photons per pulse and channel")
    axes.legend()
    return figure


def spectrum_figure(results: SpectrumResults) -> Figure:
    """Return all spectra, each divided by its peak, and light against power with the line of one quantum yield."""
    figure, (shape, light) = _axes(2)
    for one in results.points:
        spectrum = one.spectrum
        near = np.abs(spectrum.wavelength_nm - EV_NM / one.fit.peak_ev.value) < SHOWN_NM
        # The peak of the fit, over the width of the spectrum: that of the counts would be the highest noise.
        top = float(np.convolve(spectrum.counts, np.ones(5) / 5, mode="same").max())
        label = f"{one.power_nw:.3g} nW, {one.rate_mhz:.3g} MHz, {one.temperature_k:.0f} K"
        shape.plot(spectrum.wavelength_nm[near], spectrum.counts[near] / top, linewidth=1, label=label)
    shape.set_xlabel("wavelength (nm)")
    shape.set_ylabel("light (of the peak)")
    shape.legend(fontsize=7)
    power = np.array([one.power_nw for one in results.points])
    values = [one.fit.light_per_s for one in results.points]
    light.errorbar(
        power, [one.value for one in values], [one.sigma for one in values], fmt="o", markersize=4,
        color=MEASURED_COLOUR,
    )  # fmt: skip
    ends = np.array([power.min(), power.max()])
    light.plot(ends, results.mean_yield.value * ends, color=FIT_COLOUR, label="same quantum yield")
    light.set_xscale("log")
    light.set_yscale("log")
    light.set_xlabel("power (nW)")
    light.set_ylabel("light (counts/s)")
    light.legend()
    return figure


def _axes(rows: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(7, 3.2 * rows), layout="constrained")
    return figure, list(np.ravel(figure.subplots(rows, 1)))


FIGURES: Mapping[type[RunResults], Callable[[Any], Figure]] = {
    MapResults: map_figure,
    DecayResults: decay_figure,
    SpectrumResults: spectrum_figure,
}
"""Functions that draw the results of photoluminescence microscopy."""
