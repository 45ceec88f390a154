"""If these fail, the price of a bubble looks best where nobody finds it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from errors import TrxasError
from reduction.slices import Slices
from trxas.benchmarks.slices import BUBBLES, bubbles_found, cost_of_bubble_s, last_planned

PARTS = 10
"""Slices of an exposure."""


def run_with(spoilt: Iterable[tuple[int, int]]) -> Slices:
    """Slices of a run of 8 exposures; the spoilt ones, each (point, part), were measured again at the end."""
    places = [(point, part) for point in range(8) for part in range(PARTS)] + list(spoilt)
    number = len(places)
    return Slices(
        exposure=np.array([(0, point, 1) for point, _ in places]),
        part=np.array([part for _, part in places]),
        duration_s=np.full(number, 0.02),
        i0=np.full(number, 1e4),
        counts=np.ones((number, 2, 5), dtype=int),
        pulses=np.ones((number, 5), dtype=int),
        good=np.ones(number, dtype=bool),
    )


ALL_FOUND = [(point, part) for point in range(BUBBLES) for part in (3, 4, 5)]


def test_the_price_is_that_of_each_bubble() -> None:
    """Lost: the price of a bubble, which would be that of all slices, or of all exposures."""
    slices = run_with(ALL_FOUND)
    assert bubbles_found(slices) == BUBBLES
    assert last_planned(slices) == 8 * PARTS - 1
    assert cost_of_bubble_s(slices, BUBBLES * 0.08) == pytest.approx(0.08)
    assert cost_of_bubble_s(run_with(ALL_FOUND[:9]), 3 * 0.08) == pytest.approx(0.08)


def test_neighbouring_slices_of_two_exposures_are_two_groups_and_distant_ones_too() -> None:
    """Lost: the check that every bubble was found, if two of them count as one."""
    assert bubbles_found(run_with([(0, 9), (1, 0)])) == 2
    assert bubbles_found(run_with([(0, 2), (0, 6)])) == 2
    assert bubbles_found(run_with([(0, 9), (1, 9)])) == 2


@pytest.mark.parametrize(("found", "longer_s"), [([], 0.0), (ALL_FOUND[:6], 0.4), (ALL_FOUND, 0.1)])
def test_bubbles_that_nobody_finds_are_no_success(found: list[tuple[int, int]], longer_s: float) -> None:
    """Lost: the one number that shows a broken search for bubbles, which was the best possible one."""
    with pytest.raises(TrxasError, match="simulated bubbles were found"):
        cost_of_bubble_s(run_with(found), longer_s)
