"""Results of maps over two axes and of lists of settings, as numbers and as lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.fit_quality import quality_text
from reduction.number_text import with_error
from reduction.run_kind import RunResults
from reduction.xas.map_components import MapComponents, map_components
from reduction.xas.result_text import power_lines
from reduction.xas.species import SpeciesSpectra, species_spectra

if TYPE_CHECKING:
    from reduction.timing import Timing
    from reduction.types import FloatArray
    from reduction.xas.laser_power import PowerUse
    from reduction.xas.map_fit import MapFit
    from reduction.xas.transient_map import TransientMap


@dataclass(frozen=True, kw_only=True)
class MapResults(RunResults):
    """The transient on a grid of two axes, and the global fit of an energy x delay map if it determines one.

    `compared` has a line for each model if a criterion chose the model of the fit; `timing` is that of the run.
    `detector` names a detector beside the first one; `power` is that of the laser, None if it was not recorded.
    """

    map: TransientMap
    detector: str = ""
    fit: MapFit | None = None
    compared: tuple[str, ...] = ()
    timing: Timing | None = None
    power: PowerUse | None = None

    @property
    def components(self) -> MapComponents:
        """Singular values of an energy x delay map, in its errors, with the level of noise.

        Raises ReductionError for a map of other axes, or too few complete energies and delays.
        """
        if self.timing is None:
            raise ReductionError("The pump scheme of this map is not known. Reduce its run again.")
        return map_components(self.map, self.timing)

    @property
    def species(self) -> SpeciesSpectra:
        """Spectra of the species of a sequential reaction, % of unpumped / 100; raises ReductionError without a fit."""
        if self.fit is None:
            raise ReductionError("This map has no global fit, so no spectra. Its remarks give the reason.")
        return species_spectra(self.fit)

    def lines(self) -> list[str]:
        """Return the size of the map and the fitted quantities, a line each: ps, 1/ns and % of the unpumped signal."""
        rows, columns = self.map.change.shape
        lines = [
            f"{'map':<22} {self.map.axes[0]} x {self.map.axes[1]}: {rows} x {columns} points, "
            f"{self.map.measured} measured"
        ]
        if self.detector:
            lines.append(f"{'detector':<22} {self.detector}")
        if self.map.efficiency is not None:
            lines.append(f"{'gates, laser blocked':<22} pumped / unpumped = {with_error(*self.map.efficiency)}")
        return [
            *lines,
            *self._component_lines(),
            *(() if self.fit is None else map_fit_lines(self.fit)),
            *self.compared,
            *power_lines(self.power),
        ]

    def _component_lines(self) -> list[str]:
        try:
            return self.components.lines()
        except ReductionError:
            # Maps of other axes, and of a few points.
            return []


@dataclass(frozen=True, kw_only=True)
class SettingsResults(RunResults):
    """Transient ln(pumped / unpumped) with its counting error at a list of settings, (points,) each.

    `positions` (points, axes) are in the units of the `axes`, event fields. `power` is that of the laser, None if it
    was not recorded.
    """

    axes: tuple[str, ...]
    positions: FloatArray
    change: FloatArray
    sigma: FloatArray
    power: PowerUse | None = None

    def lines(self) -> list[str]:
        """Return the transient at every setting, in % of the unpumped signal."""
        lines = []
        for position, change, sigma in zip(self.positions, self.change, self.sigma, strict=True):
            where = ", ".join(f"{axis} = {value:g}" for axis, value in zip(self.axes, position, strict=True))
            lines.append(f"{where:<40} {with_error(100 * change, 100 * sigma)} % of unpumped")
        return [*lines, *power_lines(self.power)]


def map_fit_lines(fit: MapFit) -> list[str]:
    """Return the fitted quantities with their errors (ps), and where the spectrum of each decay is largest, in eV."""
    marks = dict.fromkeys(fit.undetermined, "  (not determined)")
    lines = [
        f"{name:<22} {with_error(*value)}{_interval_text(fit, name)}{marks.get(name, '')}"
        for name, value in fit.quantities.items()
    ]
    if fit.offset_rate_per_ns is not None:
        lines.append(f"{'offset decay (1/ns)':<22} {with_error(*fit.offset_rate_per_ns)}")
    for name, spectrum, sigma in zip(fit.component_names, fit.spectra, fit.spectra_sigma, strict=True):
        # The most significant energy: far from the edge, where few photons are, noise alone makes large values.
        index = int(np.nanargmax(np.abs(spectrum / sigma)))
        size = with_error(100 * float(spectrum[index]), 100 * float(sigma[index]))
        lines.append(f"{f'spectrum of {name}':<22} {size} % of unpumped at {fit.energy_ev[index]:.2f} eV")
    gates = ", ".join(str(probe) for probe in fit.probes)
    if len(fit.probes) > 1:
        lines.append(f"{'gates of the fit':<22} {gates}, and the unpumped")
    return [*lines, f"{'chi-square / d.o.f.':<22} {quality_text(fit.chi_square, fit.degrees_of_freedom)}"]


def _interval_text(fit: MapFit, name: str) -> str:
    """Return the 68 % limits of a lifetime whose chi-square is not a parabola, ps; "" for any other."""
    if name not in fit.intervals:
        return ""
    low, high = fit.intervals[name]
    return f", {low:.3g} to {high:.3g} (not parabolic)"
