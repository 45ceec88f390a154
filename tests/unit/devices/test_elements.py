"""If these fail, a solvent or an element that xraydb knows is refused, or one that it does not know is accepted."""

from __future__ import annotations

import pytest
import xraydb

from devices.elements import ELEMENTS, is_formula


def test_the_elements_are_those_of_the_tables() -> None:
    assert tuple(xraydb.atomic_symbol(number) for number in range(1, len(ELEMENTS) + 1)) == ELEMENTS
    assert all(xraydb.xray_edges(element) for element in ELEMENTS)
    with pytest.raises(ValueError, match="99"):
        xraydb.xray_edges("99")


@pytest.mark.parametrize("text", ["C7H8", "H2O", "CHCl3", "CO", "Co", "co", "C07", "C7H", "Xx2", "??", "", "Mn(SO4)2"])
def test_formulae_are_judged_as_the_tables_judge_them(text: str) -> None:
    assert is_formula(text) == xraydb.validate_formula(text)
