"""References of metal foils: a curve on a trusted axis, or the energy of one point of it.

Every start document of a foil scan carries its reference as a mapping, which `FoilReferences.of` makes and only the
reduction interprets. Keys: `edge`, `kind`, `source`, `edge_ev` (eV, the energy by which the edge is called), `error_ev`
(how well the energies of the reference are known), and `steepest_ev`, or `energy_ev` and `absorption` of a curve.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from devices.absorption_edges import AbsorptionEdge, absorption_edge

CURVE = "curve"
STEEPEST = "steepest point of a real foil"
TABULATED = "tabulated edge"

TABULATED_ERROR_EV = 3.0
"""Error of an edge in the table of xraydb as the steepest point of a metal, eV.

Standard deviation of 18 public scans of Au, Co, Cu, Fe, Ni, Pb, Pt, V, W and Zn foils from the table: 2.7 eV, at most
6.5 eV (Au L1), without the errors of their own axes. An arctangent at the tabulated edge, aligned with the whole curve,
would be 5 eV off, up to 8.8 eV (V K): real edges have shoulders and white lines.
"""

POINT_ERROR_EV = 0.5
"""Error of the steepest point of a real foil at another beamline, eV: axes and resolutions differ (0.1 to 0.6 eV)."""

KRAFT = "Kraft et al., Rev. Sci. Instrum. 67, 681 (1996)"
LIBRARY = "Pb foil of APS 13-ID-E, 2016, in the XAS Data Library (public domain)"

STEEPEST_POINTS_EV: Mapping[str, tuple[float, str]] = {
    "Fe K": (7110.75, KRAFT),
    "Co K": (7708.78, KRAFT),
    "Ni K": (8331.49, KRAFT),
    "Cu K": (8980.48, KRAFT),
    "Zn K": (9660.76, KRAFT),
    "Pt L3": (11_562.76, KRAFT),
    "Au L3": (11_919.70, KRAFT),
    "Pb L3": (13_040.64, LIBRARY),
}
"""Steepest points of real foils, eV, with their source.

Kraft et al. give the lowest inflection point, which is the steepest of the edges listed here. That of Pb L3, 13 035.07
eV, is a shoulder; its steepest point is from a measured curve, on an axis that has Au L3 and Cu K 0.5 eV below Kraft's.
"""

CURVE_BELOW_EV = 60.0
CURVE_ABOVE_EV = 120.0
"""Part of a curve that is recorded, from the tabulated edge: the alignment needs 40 eV below and 60 eV above."""


class FoilReferences:
    """References of foils: a bluesky Configurable without PVs.

    `own` are curves of this beamline's foils by edge, set by "use this run as the reference", as start documents carry
    them. `files` are those of the configuration's tables `[foils.NAME]`, by element or edge, which the session reads.
    """

    name = "foils"
    parent = None

    def __init__(self) -> None:
        self.own: dict[str, Any] = {}
        self.files: dict[str, Any] = {}

    def of(self, edge_name: str) -> dict[str, Any]:
        """Return the reference of an edge, the best there is: own foil, file, real foil's point, tabulated edge.

        Raises InputError for an unknown edge.
        """
        edge = absorption_edge(edge_name)
        # In order of trust: a foil measured here, a curve of the configuration that covers the edge, a literature value
        # of the steepest point, the table.
        if edge.name in self.own:
            return dict(self.own[edge.name])
        for key in (edge.name, edge.element):
            if key in self.files and covers(self.files[key]["energy_ev"], edge):
                return curve_document(edge, **self.files[key])
        if edge.name in STEEPEST_POINTS_EV:
            steepest_ev, source = STEEPEST_POINTS_EV[edge.name]
            return point_document(edge, STEEPEST, steepest_ev, POINT_ERROR_EV, source)
        return point_document(edge, TABULATED, edge.energy_ev, TABULATED_ERROR_EV, "xraydb")

    def configure(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set "own"; return old and new values as bluesky expects. Raises KeyError for any other name."""
        old = self._configured()
        self.own = dict(settings["own"])
        return old, self._configured()

    def _configured(self) -> dict[str, Any]:
        return {"own": {"value": self.own, "timestamp": time.time()}}


def covers(energy_ev: list[float], edge: AbsorptionEdge) -> bool:
    """Return whether a curve with these energies, eV, reaches from 30 eV below the edge to 50 eV above it."""
    return min(energy_ev) <= edge.energy_ev - 30 and edge.energy_ev + 50 <= max(energy_ev)


def point_document(edge: AbsorptionEdge, kind: str, steepest_ev: float, error_ev: float, source: str) -> dict[str, Any]:
    """Return the reference that knows only where the foil is steepest, eV."""
    return {
        "edge": edge.name,
        "kind": kind,
        "source": source,
        "edge_ev": edge.energy_ev,
        "error_ev": error_ev,
        "steepest_ev": steepest_ev,
    }


def curve_document(
    edge: AbsorptionEdge, *, energy_ev: list[float], absorption: list[float], error_ev: float, source: str
) -> dict[str, Any]:
    """Return the reference that knows the whole curve: energies in eV on a trusted axis, and absorption, (points,)."""
    low_ev = edge.energy_ev - CURVE_BELOW_EV
    high_ev = edge.energy_ev + CURVE_ABOVE_EV
    near = [(x, y) for x, y in zip(energy_ev, absorption, strict=True) if low_ev <= x <= high_ev]
    return {
        "edge": edge.name,
        "kind": CURVE,
        "source": source,
        "edge_ev": edge.energy_ev,
        "error_ev": error_ev,
        "energy_ev": [x for x, _ in near],
        "absorption": [y for _, y in near],
    }
