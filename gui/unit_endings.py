"""Units by the ends of names: of parameters of plans, and of columns of events."""

from __future__ import annotations

UNITS = {
    "_mj_cm2": "mJ/cm²",
    "_ml_min": "ml/min",
    "_c_min": "°C/min",
    "_kev": "keV",
    "_mhz": "MHz",
    "_deg": "°",
    "_ev": "eV",
    "_hz": "Hz",
    "_ma": "mA",
    "_mm": "mm",
    "_mw": "mW",
    "_nm": "nm",
    "_ns": "ns",
    "_nw": "nW",
    "_ps": "ps",
    "_um": "µm",
    "_us": "µs",
    "_c": "°C",
    "regions_k": "1/Å",
    "_k": "K",
    "_s": "s",
}
"""Unit by the end of a name; the first ending that fits counts.

An entry without a leading underscore is a whole name, whose ending alone would be ambiguous: wave numbers and kelvin.
"""


def unit_ending(name: str) -> str:
    """Return the ending of a name that states its unit, "" if there is none."""
    return next((ending for ending in UNITS if name.endswith(ending)), "")


def unit_of(name: str) -> str:
    """Return the unit that a name states, "" if there is none."""
    return UNITS.get(unit_ending(name), "")


def without_unit(name: str) -> str:
    """Return a name without the ending that states its unit."""
    ending = unit_ending(name)
    return name.removesuffix(ending if ending.startswith("_") else f"_{ending.rpartition('_')[2]}")
