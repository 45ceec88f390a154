"""The storage ring: bunch charges, stored current, and which bunch each gate sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.physics.constants import BUNCHES, PROBES
from sim.types import FloatArray, IntArray

BUNCH_CHARGE_SPREAD = 0.03
"""Relative standard deviation of the bunch charges (chosen; top-up keeps them within a few per cent)."""


def bunch_charges(rng: np.random.Generator) -> FloatArray:
    """Draw the charges of the bunches relative to their mean; shape (24,), mean exactly 1."""
    charges = 1 + BUNCH_CHARGE_SPREAD * rng.standard_normal(BUNCHES)
    return np.asarray(charges / charges.mean())


@dataclass(frozen=True, kw_only=True)
class TopUp:
    """Stored current in top-up mode: decays and is refilled at fixed intervals (APS 24-bunch mode, about 102 mA)."""

    full_ma: float = 102.0
    lifetime_s: float = 8 * 3600.0
    interval_s: float = 120.0

    def current_ma(self, time_s: float) -> float:
        """Return the stored current at beam time `time_s`, mA."""
        return float(self.full_ma * np.exp(-(time_s % self.interval_s) / self.lifetime_s))


def pulses_per_bunch(periods: int, divider: int, first_bunch: int) -> IntArray:
    """Return how often each gate meets each bunch in `periods` pump periods, (probe, bunch); rows sum to `periods`.

    Pump period k starts at bunch `first_bunch + k * divider`; with a divider of 5, which shares no factor with 24,
    the pump walks over all bunches.
    """
    # The sequence of pumped bunches repeats after 24 / gcd(24, divider) periods. Every bunch of that cycle is pumped as
    # often as the number of whole cycles, and those of the last, incomplete cycle once more. Probe n meets the n-th
    # bunch after the pumped one, so its row is that of the pump, shifted by n.
    cycle = BUNCHES // np.gcd(BUNCHES, divider)
    full, rest = divmod(periods, int(cycle))
    visits = np.full(int(cycle), full, dtype=np.int64)
    visits[:rest] += 1
    counts = np.zeros((PROBES, BUNCHES), dtype=np.int64)
    pump_bunches = (first_bunch + divider * np.arange(cycle)) % BUNCHES
    for probe in range(PROBES):
        counts[probe, (pump_bunches + probe) % BUNCHES] = visits
    return counts
