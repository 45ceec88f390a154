"""Lists of power and repetition rate: cuts at constant power, constant fluence or constant rate."""

from __future__ import annotations

from collections.abc import Sequence

PER_NW_MHZ = 0.0205
"""Excitations per nanocrystal and pulse at 1 nW and 1 MHz: 0.0082 at 2.5 MHz (paper, SI 6)."""

Pairs = list[tuple[float, float]]
"""Power outside the microscope (nW) and repetition rate (MHz) of each map."""


def constant_power(power_nw: float, rates_mhz: Sequence[float]) -> Pairs:
    """Return pairs of one power (nW) and every rate (MHz)."""
    return [(float(power_nw), float(rate)) for rate in rates_mhz]


def constant_rate(powers_nw: Sequence[float], rate_mhz: float) -> Pairs:
    """Return pairs of every power (nW) and one rate (MHz)."""
    return [(float(power), float(rate_mhz)) for power in powers_nw]


def constant_fluence(per_pulse: float, rates_mhz: Sequence[float]) -> Pairs:
    """Return pairs of rate (MHz) and the power (nW) that gives `per_pulse` excitations per nanocrystal and pulse."""
    # <N> = 0.0205 P / f, so the power that keeps it grows with the rate.
    return [(round(per_pulse * rate / PER_NW_MHZ, 4), float(rate)) for rate in rates_mhz]
