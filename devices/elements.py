"""Symbols of the elements, and formulas of them, known without the tables of xraydb.

Importing those takes a second, which every command would spend on the check of its configuration.
"""

from __future__ import annotations

import re

ELEMENTS = (
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "K", "Ca", "Sc",
    "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y", "Zr",
    "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pr",
    "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt",
    "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk",
    "Cf",
)  # fmt: skip
"""Symbols by atomic number, from 1 up to the last element that xraydb has edges of."""

_SIMPLE = re.compile(r"(?:[A-Z][a-z]?(?:[1-9]\d*)?)+")
_SYMBOL = re.compile(r"[A-Z][a-z]?")


def is_formula(text: str) -> bool:
    """Return whether a text is the chemical formula of known elements."""
    # Nearly all solvents are symbols with whole numbers; brackets and fractions are left to xraydb's parser.
    if _SIMPLE.fullmatch(text) and all(symbol in ELEMENTS for symbol in _SYMBOL.findall(text)):
        return True
    import xraydb

    try:
        return bool(xraydb.chemparse(text))
    except ValueError:
        return False
