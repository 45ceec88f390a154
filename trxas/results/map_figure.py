"""Figure of a map over two axes: the transient in colours, and the spectra of its decays."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reduction.xas.map_fit import MapFit
from reduction.xas.map_results import MapResults
from reduction.xas.transient_map import ENERGY

SATURATED_SHARE = 0.02
"""Share of the points whose colours may be saturated, as in the window."""


def map_figure(results: MapResults) -> Figure:
    """Return a figure: the map in % of unpumped, and right of it the spectrum of each decay if there is a fit.

    Cells have equal size, whatever the spacing of the points; energies in eV, delays in ps.
    """
    figure = Figure(figsize=(11 if results.fit else 6, 4.5), layout="constrained")
    parts = figure.subplots(1, 2, squeeze=False)[0] if results.fit else [figure.subplots()]
    _draw_map(figure, parts[0], results)
    if results.fit is not None:
        _draw_spectra(parts[1], results.fit)
    return figure


def _draw_map(figure: Figure, axes: Axes, results: MapResults) -> None:
    # The energy along the abscissa, as in spectra, whichever axis was slow.
    shown = results.map.turned() if results.map.axes[0] == ENERGY else results.map
    efficiency = 0.0 if results.fit is None else np.log(results.fit.efficiency.value)
    # The pumped and the unpumped gate differ in efficiency; without a fit that is unknown, and taken for 1.
    change = 100.0 * (shown.change - efficiency)
    sizes = np.abs(change[np.isfinite(change)])
    # A single noisy cell must not take the colours from all others.
    limit = float(np.quantile(sizes, 1.0 - SATURATED_SHARE)) if sizes.size else 1.0
    drawn = axes.pcolormesh(change, cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(drawn, ax=axes, label="pumped - unpumped (% of unpumped)")
    for name, places, set_ticks in (
        (shown.axes[1], shown.columns, axes.set_xticks),
        (shown.axes[0], shown.rows, axes.set_yticks),
    ):
        step = -(-len(places) // 6)  # at most six labels, or they would overlap
        set_ticks(np.arange(len(places))[::step] + 0.5, [f"{place:g}" for place in places[::step]])
        (axes.set_xlabel if places is shown.columns else axes.set_ylabel)(name)


def _draw_spectra(axes: Axes, fit: MapFit) -> None:
    vague = fit.vague_components
    for index, name in enumerate(fit.component_names):
        amplitude, sigma = 100 * fit.spectra[index], 100 * fit.spectra_sigma[index]
        label = f"{name}, not determined" if vague[index] else name
        axes.errorbar(fit.energy_ev, amplitude, yerr=sigma, fmt="o-", markersize=3, linewidth=1, label=label)
    known = fit.spectra[~vague]
    if vague.any() and np.isfinite(known).any():
        # The spectra of lifetimes that the data cannot separate are huge, and of opposite sign: they may leave the
        # axes, which show the others.
        reach = 100 * (np.abs(known) + fit.spectra_sigma[~vague])
        limit = 1.3 * float(np.nanmax(reach))
        axes.set_ylim(-limit, limit)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("amplitude (% of unpumped)")
    axes.legend(loc="best", fontsize="small")
