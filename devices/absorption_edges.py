"""Absorption edges of the elements: their names, energies and core-hole widths, from the tables of xraydb.

Edges are defined only here. The grid and the windows that a scan uses at an edge are in
`plans/edges.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from devices.elements import ELEMENTS
from devices.numbers import is_finite_number
from errors import InputError

LEVELS = ("K", "L1", "L2", "L3")
"""Levels whose edges hard X-rays reach."""

EXAMPLES = "'Br K', 'Pb L3' or 'Fe K'"
"""Edges in messages, as users have to write them."""

_NAME = re.compile(r"([a-z]{1,2})(?:[\s_-]*([klmn])[\s_-]*(\d|i{1,3})?(?:[\s_-]*edge)?)?", re.IGNORECASE)

_ROMAN = {"I": "1", "II": "2", "III": "3"}
"""Numbers of the levels as older papers write them."""


@dataclass(frozen=True, kw_only=True)
class AbsorptionEdge:
    """An edge of a free atom or metal: `name` such as "Fe K", energy and core-hole width (FWHM) in eV."""

    name: str
    element: str
    level: str
    energy_ev: float
    core_hole_ev: float

    def __str__(self) -> str:
        """Return the name with the energy, for messages."""
        return f"{self.name!r} ({self.energy_ev:g} eV)"


def absorption_edge(name: Any) -> AbsorptionEdge:
    """Return the edge called `name`, such as "Fe K" or "Pb L3".

    Raises InputError, suggesting the edge probably meant, for numbers, unknown elements, and names that are no K or L
    edge.
    """
    if not isinstance(name, str):
        raise InputError(_not_a_name(name))
    found = _NAME.fullmatch(name.strip())
    if found is None:
        raise InputError(f"Unknown edge {name!r}. Give an element and its edge, such as {EXAMPLES}.")
    element = found[1].capitalize()
    shell = (found[2] or "").upper()
    number = (found[3] or "").upper()
    number = _ROMAN.get(number, number)
    edges = element_edges(element)
    if not edges:
        raise InputError(f"Unknown edge {name!r}: there is no element {element!r}. Give edges such as {EXAMPLES}.")
    if shell + number not in edges:
        raise InputError(_no_such_edge(name, shell, edges))
    edge = edges[shell + number]
    # Names are keys of tables and documents, so there is one spelling of each.
    if name != edge.name:
        raise InputError(f"Unknown edge {name!r}. Did you mean {edge.name!r}?")
    return edge


@cache
def element_edges(element: str) -> dict[str, AbsorptionEdge]:
    """Return the K and L edges of an element by level; empty for text that is not the symbol of an element."""
    # Imported where it is needed: this takes longer than all of the project's own modules.
    import xraydb

    try:
        edges = xraydb.xray_edges(element)
    except ValueError:
        return {}
    return {
        level: AbsorptionEdge(
            name=f"{element} {level}",
            element=element,
            level=level,
            energy_ev=float(edges[level].energy),
            core_hole_ev=float(xraydb.core_width(element, level)),
        )
        for level in LEVELS
        if level in edges
    }


@cache
def edges_between(low_ev: float, high_ev: float) -> tuple[AbsorptionEdge, ...]:
    """Return every K and L edge from `low_ev` to `high_ev`, eV, by energy."""
    found = [edge for element in ELEMENTS for edge in element_edges(element).values()]
    return tuple(sorted((edge for edge in found if low_ev <= edge.energy_ev <= high_ev), key=lambda one: one.energy_ev))


def next_edge_ev(edge: AbsorptionEdge) -> float | None:
    """Return the energy of the same element's next edge, eV; None if there is none above."""
    above = [one.energy_ev for one in element_edges(edge.element).values() if one.energy_ev > edge.energy_ev]
    return min(above, default=None)


def _not_a_name(value: Any) -> str:
    """Return the message about an edge that is not a string; for an energy, eV or keV, it lists the edges nearby."""
    if not is_finite_number(value):
        return f"edge = {value!r}: give the name of an edge, such as {EXAMPLES}."
    energy_ev, unit = (value * 1e3, "keV") if value < 200 else (value, "eV")
    near = sorted(edges_between(energy_ev - 100, energy_ev + 100), key=lambda one: abs(one.energy_ev - energy_ev))[:3]
    meant = f" Near {value:g} {unit} are {', '.join(map(str, near))}." if near else ""
    return f"edge = {value!r} is a number: give the name of an edge, such as {EXAMPLES}.{meant}"


def _no_such_edge(name: str, shell: str, edges: dict[str, AbsorptionEdge]) -> str:
    of_shell = {level: edge for level, edge in edges.items() if shell and level.startswith(shell)}
    offered = ", ".join(map(str, (of_shell or edges).values()))
    if not shell:
        return f"Unknown edge {name!r}: an element alone is not an edge. Give one of {offered}."
    if shell == "L" and of_shell and not name.strip()[-1].isdigit():
        return f"Unknown edge {name!r}: an L edge needs its number. Give one of {offered}."
    return f"Unknown edge {name!r}: only K and L edges can be measured. Give one of {offered}."
