"""The plans that are measured while things fail: two of the technique in use, in turn."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from errors import InputError
from trxas.configuration import load_configuration
from trxas.techniques import FIRST, bringing, part_of

Planned = tuple[str, dict[str, Any]]
"""Name of a plan, and its arguments."""

DELAYS_PS = (-400.0, -100.0, -30.0, 0.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 20000.0)
ENERGIES_EV = ((13_460.0, 13_468.0, 4.0), (13_470.0, 13_476.0, 1.0))
DWELL_S = 6.0
REPEATS = 6
"""Points, dwell, s, and passes of a trace and of a spectrum."""


def technique_in_use() -> str:
    """Return the technique of the configuration in use, such as "xas"; its first one, if it has several."""
    return load_configuration().beamline.techniques[0]


def robustness_of(technique: str) -> ModuleType | None:
    """Return the module of a technique with its `planned`, `truth_in` and `pulls`; None for the built-in one.

    Raises InputError for a technique whose robustness is not measured.
    """
    module = part_of("trxas.validation", technique, "robustness")
    if module is None and technique != FIRST:
        names = ", ".join((FIRST, *bringing("trxas.validation", "robustness")))
        raise InputError(
            f"The robustness of {technique} is not measured. Give a configuration whose first technique is one of "
            f"{names}."
        )
    return module


def planned(number: int, purpose: str) -> Planned:
    """Return plan and arguments of the dataset `number`, whose start documents state `purpose`.

    Raises InputError for a technique whose robustness is not measured.
    """
    # Two plans in turn, because they exercise different parts: axes that move, and for maps the trigger source.
    module = robustness_of(technique_in_use())
    name, arguments = _spectrum_or_trace(number) if module is None else module.planned(number)
    return name, {**arguments, "sample": purpose, "md": {"purpose": purpose}}


def _spectrum_or_trace(number: int) -> Planned:
    common: dict[str, Any] = {"edge": "Br K", "dwell_s": DWELL_S, "repeats": REPEATS}
    if number % 2:
        scan = {"delay_ps": 100.0, "regions_ev": ENERGIES_EV, "allow_unreducible": True}
        return "energy_scan", common | scan
    return "delay_scan", common | {"delays_ps": DELAYS_PS}
