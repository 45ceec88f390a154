"""Parts in the X-ray beam besides the sample: source, air, jet, ion chamber and calibration foils, by energy.

The rates of the simulation were chosen for the paper's edges. All factors below are relative to the nearest end of the
range where they hold, `NOMINAL_EV`, and exactly 1 within it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import xraydb

from sim.physics.constants import HIGH_EV, LOW_EV
from sim.physics.foil_shape import FoilShape, shape_of
from sim.physics.sample import Jet
from sim.types import FloatArray

Table = tuple[FloatArray, FloatArray]
"""Energies, eV, and a factor at each of them."""

NOMINAL_EV = (12_500.0, 14_000.0)
"""Energies between which rates and samples are given as they are: both edges of the paper."""

PEAK_EV = 9_000.0
PEAK_WIDTH = 0.9
"""Photons of the undulator against the logarithm of the energy: a Gaussian of this width, with its gap always tuned
(chosen: an APS undulator A gives most between 7 and 12 keV, and half of that at 4 and at 20 keV)."""

AIR_CM = 30.0
"""Air between the last window and the jet (chosen)."""

AIR_G_CM3 = 1.2e-3

CHAMBER_CM = 5.0
NITROGEN_G_CM3 = 1.165e-3
"""Ion chamber with nitrogen at room temperature (chosen): its current goes with the absorbed power."""

FOIL_TRANSMISSION = np.exp(-1.0)
"""Transmission of a foil just above its edge: one absorption length, as beamlines choose it."""

FOIL_THICKNESS_CM = {"Pb": 5e-4}
"""Foils of known thickness: 5 um of Pb, about one absorption length (chosen); the others follow from their
transmission."""

RESOLUTION = 1.3e-4
"""Relative resolution of the monochromator, which widens the edges of foils (Si 111)."""

FOIL_LEVEL_EV = 200.0
"""Distance from an edge at which a foil's absorption is tabulated without the edge's own width."""

FOIL_EDGE_RANGE_EV = 700.0
"""Distance from an edge within which a foil shows this edge alone, between two constant levels."""

EDGES = ("K", "L1", "L2", "L3")
"""Edges of foils."""


def flux(energy_ev: float) -> float:
    """Return the photons that reach the sample at an energy in eV, as a fraction of the nominal flux."""
    return _relative(energy_ev, _flux_table)


def chamber_response(energy_ev: float) -> float:
    """Return the counts of the ion chamber per photon, relative to nominal."""
    return _relative(energy_ev, _chamber_table)


def jet_transmission(jet: Jet, energy_ev: float) -> float:
    """Return the transmission of the jet at an energy in eV, relative to nominal. The jet is before the foil."""
    return _relative(energy_ev, partial(_jet_table, jet))


def foil_transmission(element: str, energy_ev: float, shift_ev: float = 0.0) -> float:
    """Return the transmission of the foil of `element`; 1 for "", no foil.

    At an edge the absorption steps from its tabulated value below to that above (xraydb), with the shape of a metal's
    edge. `shift_ev` moves the edges of this foil, as if the table were wrong by that.
    """
    if not element:
        return 1.0
    nearest = min(_foil_edges(element), key=lambda one: abs(one.energy_ev - energy_ev))
    from_edge_ev = energy_ev - nearest.energy_ev
    if abs(from_edge_ev) <= FOIL_EDGE_RANGE_EV:
        # Tables have a sharp edge and the fine structure of no particular metal. So within the range of one edge the
        # foil goes from the constant level below to that above, with the shape that edges of this kind have.
        step = nearest.shape.step(from_edge_ev - shift_ev, nearest.width_ev)
        mass_absorption = nearest.below + (nearest.above - nearest.below) * step
    else:
        mass_absorption = float(xraydb.mu_elam(element, energy_ev))
    return float(np.exp(-mass_absorption * _foil_g_cm2(element)))


@cache
def foil_elements() -> tuple[str, ...]:
    """Return the elements with a K or L edge within reach, in the order of the periodic table."""
    symbols = [xraydb.atomic_symbol(number) for number in range(1, 93)]
    return tuple(symbol for symbol in symbols if _edge_energies(symbol))


def _relative(energy_ev: float, table: Callable[[], Table]) -> float:
    """Return a tabulated factor at an energy over its value at the nearest energy of the nominal range."""
    # Rates and samples were chosen for the paper's edges. Within their range every factor is exactly 1, so that those
    # spectra do not depend on this module; outside it the factor continues from the nearest end without a step.
    nominal_ev = float(np.clip(energy_ev, *NOMINAL_EV))
    if nominal_ev == energy_ev:
        return 1.0
    return float(np.interp(energy_ev, *table()) / np.interp(nominal_ev, *table()))


def _energies() -> FloatArray:
    return np.linspace(LOW_EV, HIGH_EV, 1001)


@cache
def _flux_table() -> Table:
    energy = _energies()
    source = np.exp(-0.5 * (np.log(energy / PEAK_EV) / PEAK_WIDTH) ** 2)
    return energy, source * np.exp(-xraydb.material_mu("air", energy, density=AIR_G_CM3) * AIR_CM)


@cache
def _chamber_table() -> Table:
    energy = _energies()
    absorbed = -np.expm1(-xraydb.material_mu("N2", energy, density=NITROGEN_G_CM3) * CHAMBER_CM)
    return energy, energy * absorbed


@cache
def _jet_table(jet: Jet) -> Table:
    energy = _energies()
    return energy, np.exp(-xraydb.material_mu(jet.solvent, energy, density=jet.density_g_cm3) * jet.thickness_um * 1e-4)


@cache
def _edge_energies(element: str) -> dict[str, float]:
    """Return the energies of the element's edges within reach, eV, by name."""
    edges = xraydb.xray_edges(element)
    return {name: float(edges[name].energy) for name in EDGES if name in edges and _in_reach(edges[name].energy)}


def _in_reach(energy_ev: float) -> bool:
    return bool(LOW_EV <= energy_ev <= HIGH_EV)


@dataclass(frozen=True, kw_only=True)
class FoilEdge:
    """One edge of a foil: its energy and width, eV, and the mass absorption below and above it, cm2/g."""

    energy_ev: float
    width_ev: float
    below: float
    above: float
    shape: FoilShape


@cache
def _foil_edges(element: str) -> tuple[FoilEdge, ...]:
    return tuple(
        FoilEdge(
            energy_ev=energy_ev,
            width_ev=float(np.hypot(xraydb.core_width(element, name), RESOLUTION * energy_ev)),
            below=float(xraydb.mu_elam(element, energy_ev - FOIL_LEVEL_EV)),
            above=float(xraydb.mu_elam(element, energy_ev + FOIL_LEVEL_EV)),
            shape=shape_of(element, name),
        )
        for name, energy_ev in _edge_energies(element).items()
    )


@cache
def _foil_g_cm2(element: str) -> float:
    """Return the mass of a foil per area, g/cm2; xraydb takes 0.1 ms to look it up."""
    return float(xraydb.atomic_density(element) * _foil_thickness_cm(element))


@cache
def _foil_thickness_cm(element: str) -> float:
    if element in FOIL_THICKNESS_CM:
        return FOIL_THICKNESS_CM[element]
    strongest = max(edge.above for edge in _foil_edges(element))
    return float(-np.log(FOIL_TRANSMISSION) / (strongest * xraydb.atomic_density(element)))
