"""The plans that are measured while things fail: two of each technique, in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trxas.configuration import load_configuration

Planned = tuple[str, dict[str, Any]]
"""Name of a plan, and its arguments."""

DELAYS_PS = (-400.0, -100.0, -30.0, 0.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 20000.0)
ENERGIES_EV = ((13_460.0, 13_468.0, 4.0), (13_470.0, 13_476.0, 1.0))
DWELL_S = 6.0
REPEATS = 6
"""Points, dwell, s, and passes of a trace and of a spectrum."""

MAP_POWER_NW = 10.0
MAP_RATES_MHZ = (2.5, 1.0)
MAP_TEMPERATURE_K = 296.0
MAP_POSITIONS = 15
MAP_STEP_UM = 0.2
MAP_DWELL_S = 6.0
"""Maps, with the internal trigger of the laser and with an external one in turn."""


def technique_in_use() -> str:
    """Return the technique of the configuration in use, such as "xas"; its first one, if it has several."""
    return load_configuration().beamline.techniques[0]


def planned(number: int, purpose: str) -> Planned:
    """Return plan and arguments of the dataset `number`, whose start documents state `purpose`.

    Raises KeyError for a technique whose robustness is not measured.
    """
    # Two plans in turn, because they exercise different parts: axes that move, and for maps the trigger source.
    name, arguments = PLANS[technique_in_use()](number)
    return name, {**arguments, "sample": purpose, "md": {"purpose": purpose}}


def _spectrum_or_trace(number: int) -> Planned:
    common: dict[str, Any] = {"edge": "Br K", "dwell_s": DWELL_S, "repeats": REPEATS}
    if number % 2:
        scan = {"delay_ps": 100.0, "regions_ev": ENERGIES_EV, "allow_unreducible": True}
        return "energy_scan", common | scan
    return "delay_scan", common | {"delays_ps": DELAYS_PS}


def _map(number: int) -> Planned:
    return "tplm_map", {
        "power_nw": MAP_POWER_NW,
        "rate_mhz": MAP_RATES_MHZ[number % 2],
        "temperature_k": MAP_TEMPERATURE_K,
        "positions": MAP_POSITIONS,
        "step_um": MAP_STEP_UM,
        "dwell_s": MAP_DWELL_S,
    }


PLANS: dict[str, Callable[[int], Planned]] = {"xas": _spectrum_or_trace, "tplm": _map}
"""Measured plans of each technique."""
