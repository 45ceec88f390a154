"""Shapes of the absorption edges of metal foils: rises, shoulders, white lines and the first oscillations above."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FoilShape:
    """One edge relative to its tabulated energy, eV, in units of its step.

    `rises`: position, share and additional width of each arctangent; the shares add up to 1. The white line is a
    Lorentzian: position, height, full width. Above `wave_from_ev` the absorption oscillates about 1 with `wave_height`,
    once per `wave_k` in the wave number, 1/A.
    """

    rises: tuple[tuple[float, float, float], ...]
    white_line: tuple[float, float, float] = (0.0, 0.0, 1.0)
    wave_height: float = 0.06
    wave_k: float = 1.3
    wave_from_ev: float = 12.0

    def step(self, from_edge_ev: float, width_ev: float) -> float:
        """Return the share of the edge step that is absorbed at an energy, eV from the tabulated edge.

        `width_ev`: full width of the core hole, with the resolution.
        """
        rise = sum(
            share * _arctangent(from_edge_ev - position, math.hypot(width_ev, further_ev))
            for position, share, further_ev in self.rises
        )
        centre, height, fwhm = self.white_line
        white = height / (1 + (2 * (from_edge_ev - centre) / math.hypot(fwhm, width_ev)) ** 2)
        return rise + white + self._wave(from_edge_ev)

    def _wave(self, from_edge_ev: float) -> float:
        # The fine structure of a metal in its simplest form: a sine in the photoelectron's wave number, which dies out
        # towards high energies. It begins smoothly, so that it does not shift the edge.
        above_ev = from_edge_ev - self.wave_from_ev
        if above_ev <= 0:
            return 0.0
        wave_number = math.sqrt(above_ev / 3.81)
        fade = math.exp(-wave_number / 4) * (1 - math.exp(-above_ev / 4))
        return self.wave_height * fade * math.cos(2 * math.pi * wave_number / self.wave_k)


def _arctangent(from_edge_ev: float, width_ev: float) -> float:
    return 0.5 + math.atan(2 * from_edge_ev / width_ev) / math.pi


LEAD_L3 = FoilShape(rises=((-1.0, 0.27, 0.0), (5.7, 0.73, 0.0)), white_line=(21.0, 0.05, 10.0), wave_from_ev=26.0)
"""Real lead has a shoulder near its tabulated edge, and is steepest 5.6 eV above it (chosen to look alike)."""

K_EDGE = FoilShape(rises=((-0.2, 0.45, 0.0), (8.0, 0.55, 5.0)), white_line=(16.0, 0.12, 8.0), wave_from_ev=20.0)
"""K edges of the 3d metals rise in two steps: a narrow one at the tabulated edge, and a wider one 7 to 8 eV above it,
which together make a shoulder (chosen to look alike)."""

L1_EDGE = FoilShape(rises=((0.0, 1.0, 0.0),), wave_height=0.03)

L_EDGE = FoilShape(rises=((0.0, 1.0, 0.0),), white_line=(3.0, 0.25, 6.0))
"""L2 and L3 edges have a white line on the rise, by their empty d states; strong for Pt, weak for Au (chosen)."""

SHAPES = {"Pb L3": LEAD_L3, "K": K_EDGE, "L1": L1_EDGE, "L2": L_EDGE, "L3": L_EDGE}
"""Shapes by edge, or by level for all elements that have none of their own."""


def shape_of(element: str, level: str) -> FoilShape:
    """Return the shape of an edge, energies in eV from the tabulated one."""
    return SHAPES.get(f"{element} {level}", SHAPES[level])
