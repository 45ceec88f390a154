"""Effects of the sample besides absorption: damage that grows with the dose, and absorption of its own fluorescence."""

from __future__ import annotations

import math
from typing import TypeVar

from sim.types import FloatArray

DAMAGE_PER_H = 5e-4
"""Share of the sample in the loop that one hour of nominal beam changes (chosen: the paper's spectra repeat over a day,
and 0.05 % per hour of a volume of 50 ml is what some 1e12 absorbed photons/s can do at most)."""

FRESH_AFTER_H = 8.0
"""Hours of beam after which a fresh sample is filled in: once per shift."""

PRODUCT_SHIFT_EV = 1.0
"""Shift of the edges of the damaged sample, which the laser does not excite, eV (chosen: an oxidised species)."""

JET_SELF_ABSORPTION = 4.5e-3
"""Loss of fluorescence in the jet per edge step, for an edge whose sample file does not state it.

2.4 g/l of Br in 283 um of toluene absorb 0.9 % above the edge; half of the path, on average, is before the photon is
detected or absorbed.
"""

POWDER_SELF_ABSORPTION = 0.02
"""The same in the powder on its window, some mg/cm2 (chosen: a thin layer)."""


T = TypeVar("T", float, FloatArray)


class Dose:
    """Dose of the sample in the jet; the share that it has damaged, 0 to 1."""

    def __init__(self) -> None:
        self.hours = 0.0
        """Hours of nominal beam since the sample was fresh."""

    def add(self, beam: float, duration_s: float) -> None:
        """Add `duration_s` seconds at a flux `beam` relative to the nominal one; fresh sample comes after 8 h."""
        self.hours += beam * duration_s / 3600.0
        if self.hours > FRESH_AFTER_H:
            self.hours %= FRESH_AFTER_H

    def damaged(self, size: float) -> float:
        """Return the damaged share, 0 to 1, if damage is `size` times the usual."""
        return -math.expm1(-size * DAMAGE_PER_H * self.hours)


def self_absorbed(level: T, strength: float) -> T:
    """Return a fluorescence, in edge steps, that the sample weakens by `strength` per edge step; 1 stays 1.

    A thick or concentrated sample shows level x (1 + s) / (1 + s x level): the larger the absorption, the shallower the
    layer from which fluorescence comes (Tröger et al. 1992, Phys. Rev. B 46, 3283).
    """
    return level * (1 + strength) / (1 + strength * level)
