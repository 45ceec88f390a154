"""Absorption in a flat jet at an edge: which part of the sample's absorption its fluorescence loses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from devices.absorption_edges import absorption_edge

if TYPE_CHECKING:
    from devices.configuration.jet_settings import JetSettings

BESIDE_EDGE_EV = 200.0
"""Distance from an edge at which the tables show its step without the width of the edge."""

SHARE_ERROR = 0.02
"""Relative error of the depth share (chosen): photodiodes see a range of exit angles, a jet is not quite flat."""


def jet_document(settings: JetSettings, edge: str) -> dict[str, float]:
    """Return what a start document states about the jet at `edge`, such as "Br K": shares and steps without unit.

    `depth_share` with `depth_share_error`: loss of fluorescence per step of ln(I0/I) over the edge. `expected_step`
    with `expected_step_error`: that step by the configured concentration; without a concentration they are missing.
    Raises InputError for an unknown edge.
    """
    found = absorption_edge(edge)
    path_cm = 1e-4 * settings.thickness_um / math.sin(math.radians(settings.incidence_deg))
    exit_cm = 1e-4 * settings.thickness_um / math.sin(math.radians(settings.exit_deg))
    solvent = [_solvent_per_cm(settings, energy_ev) for energy_ev in (found.energy_ev, _line_ev(found.element, edge))]
    share = depth_share(solvent[0] * path_cm + solvent[1] * exit_cm)
    document = {"depth_share": share, "depth_share_error": SHARE_ERROR * share}
    g_l = settings.concentrations_g_l.get(found.element)
    if g_l is not None:
        step = _edge_cm2_g(found.element, found.energy_ev) * 1e-3 * g_l * path_cm
        document |= {"expected_step": step, "expected_step_error": settings.concentration_error * step}
    return document


def depth_share(absorbed: float) -> float:
    """Return the relative loss of fluorescence per absorption of the sample, without unit: 1/2 in a transparent jet.

    `absorbed`: absorption lengths of everything else, on the way of the beam through the jet and of the fluorescence
    out of it. Fluorescence from a slab is a (1 - exp(-(a + b))) / (a + b) for an absorption a of the sample and b of
    everything else (Tröger et al. 1992, Phys. Rev. B 46, 3283); this is its relative change with a, for a small a.
    """
    if absorbed < 1e-3:
        return 0.5 - absorbed / 12.0
    return 1.0 / absorbed - 1.0 / math.expm1(absorbed)


def _solvent_per_cm(settings: JetSettings, energy_ev: float) -> float:
    import xraydb

    return float(xraydb.material_mu(settings.solvent, energy_ev, density=settings.density_g_cm3))


def _line_ev(element: str, edge: str) -> float:
    """Return the energy of the strongest fluorescence line after absorption at an edge, eV."""
    import xraydb

    lines = xraydb.xray_lines(element, edge.split()[-1])
    return float(max(lines.values(), key=lambda line: line.intensity).energy) if lines else 0.9 * _edge_ev(edge)


def _edge_ev(edge: str) -> float:
    return absorption_edge(edge).energy_ev


def _edge_cm2_g(element: str, energy_ev: float) -> float:
    """Return the step of an element's mass absorption at one of its edges, cm2/g."""
    import xraydb

    below, above = xraydb.mu_elam(element, [energy_ev - BESIDE_EDGE_EV, energy_ev + BESIDE_EDGE_EV])
    # Absorption falls with the energy by about E^-2.7: the level below is extrapolated to the energy above.
    fallen = ((energy_ev - BESIDE_EDGE_EV) / (energy_ev + BESIDE_EDGE_EV)) ** 2.7
    return float(above - below * fallen)
