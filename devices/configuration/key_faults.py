"""Faults of single keys in words: what was given, what is allowed, with unit, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from devices.configuration.fields import Fault, allowed_range, unit_of

EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "a string in quotes",
    "string_pattern_mismatch": "a PV name without spaces",
}
"""Kind of value that a key needs, by pydantic's name of the error."""


HIGHEST_EV = 200_000.0
"""Highest photon energy of any beamline, eV."""


def key_fault(table: str, detail: Any, declared: Mapping[str, FieldInfo]) -> Fault:
    """Turn one of pydantic's errors into a fault with value, allowed range, unit and remedy."""
    # pydantic's messages name types and limits, not quantities and units, and their wording changes between versions.
    # So only the kind of an error is taken from it; the words come from the declaration of the key.
    key = str(detail["loc"][0]) if detail["loc"] else ""
    kind = detail["type"]
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return Fault(table=table, key=key, message=f"is an unknown key.{did_you_mean(key, declared)}")
    field = declared[key]
    if len(detail["loc"]) > 1 or kind == "tuple_type":
        # A number too few or too many in a row, or something else than a number.
        return Fault(table=table, key=key, message=f"{detail['input']!r}: has the wrong form. {_meaning(field)}")
    allowed = allowed_range(field)
    if kind == "missing":
        needs = f" Allowed: {allowed}." if allowed else ""
        return Fault(table=table, key=key, message=f"is missing.{needs} {_meaning(field)}".rstrip())
    unit = unit_of(field)
    value = f"= {detail['input']!r} {unit}".rstrip()
    if kind == "finite_number":
        problem = "must be finite"
    elif kind == "enum":
        problem = f"must be {detail['ctx']['expected']}"
    else:
        problem = f"must be {EXPECTED.get(kind, '') or allowed or detail['msg']}"
    # The limits of a photon energy lie above 1000 eV, those of a difference of energies below.
    if kind == "greater_than_equal" and unit == "eV" and _could_be_kev(detail["input"], detail["ctx"]["ge"]):
        problem += f". It looks like keV: give eV, {1e3 * detail['input']:g}"
    if kind in EXPECTED and allowed:
        problem += f", {allowed}"
    return Fault(table=table, key=key, message=f"{value}: {problem}. {_meaning(field)}".rstrip())


def _could_be_kev(value: float, low_ev: float) -> bool:
    """Return whether a photon energy that is too low in eV would be within reach of a beamline if it were in keV."""
    return 1e3 <= low_ev <= 1e3 * value <= HIGHEST_EV


def _meaning(field: FieldInfo) -> str:
    return f"Give the {field.description}." if field.description else "Correct it."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the name among `known` that was probably meant, or with all of them."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else f" Known: {', '.join(sorted(known))}."
