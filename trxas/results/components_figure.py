"""Figures of what a map consists of: its singular values, and the spectra of species."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from gui.palette import ROLES_ON_WHITE
from reduction.xas.map_components import MapComponents
from reduction.xas.species import SpeciesSpectra


def components_figure(found: MapComponents) -> Figure:
    """Return a figure: singular values with their noise level, and the significant spectra (eV) and traces (ps)."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    values, spectra, traces = figure.subplots(1, 3)
    number = np.arange(1, found.singular_values.size + 1)
    values.plot(number, found.singular_values, "o", color=ROLES_ON_WHITE["transient"], label="map")
    values.plot(number, found.noise, "--", color="0.4", label="noise, 99 %")
    values.set_yscale("log")
    values.set_xlabel("component")
    values.set_ylabel("singular value (errors)")
    values.legend(loc="best", fontsize="small")
    # At least one: a map of noise shows its strongest component too, so that it can be judged.
    for index in range(max(found.significant, 1)):
        spectra.plot(found.energy_ev, found.spectra[index], "o-", markersize=3, label=f"{index + 1}")
        traces.plot(found.delay_ps, found.traces[index], "o-", markersize=3, label=f"{index + 1}")
    spectra.set_xlabel("energy (eV)")
    spectra.ticklabel_format(axis="x", useOffset=False)
    spectra.set_ylabel("singular vector")
    traces.set_xscale("symlog", linthresh=500.0)
    traces.set_xlabel("delay (ps), logarithmic above 500")
    spectra.legend(title="component", fontsize="small")
    return figure


def species_figure(found: SpeciesSpectra) -> Figure:
    """Return a figure: the spectrum of every species in % of unpumped with errors, against the energy in eV."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, spectrum, sigma in zip(found.names, found.spectra, found.sigma, strict=True):
        bars = 100 * sigma
        axes.errorbar(found.energy_ev, 100 * spectrum, bars, fmt="o-", markersize=3, linewidth=1, label=name)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("transient of the species (% of unpumped)")
    axes.legend(loc="best", fontsize="small")
    return figure
