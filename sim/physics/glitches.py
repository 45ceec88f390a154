"""Glitches of the monochromator: dips at fixed energies that signal and I0 share, but not exactly."""

from __future__ import annotations

import bisect
from functools import cache

import numpy as np

from sim.physics.constants import HIGH_EV, LOW_EV
from sim.types import FloatArray

SPACING_EV = 40.0
"""Mean distance between glitches, eV (chosen: a few in the range of one edge, as in scans with diamond)."""

DEPTH = 0.02
"""Mean depth of a glitch: the part of the flux that is missing at its centre; depths are spread exponentially (chosen:
those of a tuned crystal that is turned away from the strong ones)."""

FWHM_EV = 0.8
"""Full width of a glitch at half maximum, eV: the resolution of the monochromator."""

DEEPEST = 0.8
"""No glitch takes more of the flux than this, whatever its size."""

RESIDUAL = 0.05
"""Part of a dip by which the signal falls more than I0 (chosen: 5 %).

The glitch cuts a stripe out of the beam, and the ion chamber sees another part of the beam than the jet (Bridges, Wang
and Boyce 1991, Nucl. Instrum. Methods A 307, 316, on glitches that do not cancel).
"""

REACH_EV = 3.0 * FWHM_EV
CRYSTAL_SEED = 13


def glitch_dip(energy_ev: float, size: float) -> float:
    """Return the missing part of the flux at an energy, eV, 0 to `DEEPEST`, for glitches of `size` times the usual."""
    if size == 0:
        return 0.0
    centres, depths = _glitches()
    first = bisect.bisect_left(centres, energy_ev - REACH_EV)
    last = bisect.bisect_right(centres, energy_ev + REACH_EV)
    if first == last:
        return 0.0
    widths = (energy_ev - np.array(centres[first:last])) / FWHM_EV
    dip = float(np.sum(depths[first:last] * np.exp(-4 * np.log(2) * widths**2)))
    return min(size * dip, DEEPEST)


def lost_signal(dip: float) -> float:
    """Return the part of the signal that is missing beyond the `dip` of I0, 0 to 1."""
    return RESIDUAL * dip


@cache
def _glitches() -> tuple[list[float], FloatArray]:
    """Return the centres, eV, and the depths of all glitches; they belong to the crystal, so they never change."""
    rng = np.random.default_rng(CRYSTAL_SEED)
    number = round((HIGH_EV - LOW_EV) / SPACING_EV)
    return sorted(rng.uniform(LOW_EV, HIGH_EV, number).tolist()), DEPTH * rng.exponential(size=number)
