"""The storage ring: bunch charges, stored current, and which bunch each gate sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.physics.pump_scheme import PumpScheme
from sim.types import FloatArray, IntArray

BUNCH_CHARGE_SPREAD = 0.03
"""Relative standard deviation of the bunch charges (chosen; top-up keeps them within a few per cent)."""


DEFAULT_SCHEME = PumpScheme()
"""24 equal bunches, one in five pumped, one gate for each of the five."""


def bunch_charges(rng: np.random.Generator, scheme: PumpScheme = DEFAULT_SCHEME) -> FloatArray:
    """Draw the charges of the bunches, (bunches,), about those of the scheme."""
    charges = 1 + BUNCH_CHARGE_SPREAD * rng.standard_normal(len(scheme.filled))
    return np.asarray(charges / charges.mean() * np.array(scheme.charges))


@dataclass(frozen=True, kw_only=True)
class StoredCurrent:
    """Stored current in top-up mode: decays and is refilled at fixed intervals (APS 24-bunch mode, about 102 mA)."""

    full_ma: float = 102.0
    lifetime_s: float = 8 * 3600.0
    interval_s: float = 120.0

    def current_ma(self, time_s: float) -> float:
        """Return the stored current at beam time `time_s`, mA."""
        return float(self.full_ma * np.exp(-(time_s % self.interval_s) / self.lifetime_s))


def pulses_per_bunch(periods: int, divider: int, first_place: int, scheme: PumpScheme = DEFAULT_SCHEME) -> IntArray:
    """Return how often each gate meets each bunch in `periods` pump periods, shape (probe, bunch).

    Rows sum to `periods`. Pump period k starts at place `first_place + k * divider` of the ring, counted in bunches of
    an equal fill. With 24 bunches and a divider of 5, which share no factor, the pump walks over all bunches; a laser
    that divides revolutions meets the same bunch forever.
    """
    # The sequence of pumped places repeats after n / gcd(n, divider) periods. Every place of that cycle is pumped as
    # often as the number of whole cycles, and those of the last, incomplete cycle once more. A gate sees the bunch that
    # lies its own distance after the pumped one.
    seen = _bunches_of_gates(scheme, divider, first_place)
    cycle = seen.shape[1]
    full, rest = divmod(periods, cycle)
    visits = np.full(cycle, full, dtype=np.int64)
    visits[:rest] += 1
    counts = np.zeros((len(scheme.gates), len(scheme.filled)), dtype=np.int64)
    np.put_along_axis(counts, seen, np.broadcast_to(visits, seen.shape), axis=1)
    return counts


@lru_cache(maxsize=64)
def _bunches_of_gates(scheme: PumpScheme, divider: int, first_place: int) -> IntArray:
    """Return the bunch that each gate sees in each pump period of one cycle, (probe, period)."""
    places = scheme.units_per_turn
    cycle = places // scheme.places_between_pumps(divider)
    pumped = (first_place + divider * np.arange(cycle)) % places
    return np.array([scheme.bunches(pumped, gate) for gate in range(len(scheme.gates))], dtype=np.int64)
