"""If these fail, the laws of the forward model are not what hopping excitons do (SI 2)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.hopping_oracle import Hopping, Lattice, steady_state

pytestmark = pytest.mark.long

LATTICE = Lattice()
RELAXATION_PULSES = 8.0
"""Relaxation time in pulse periods of the first case."""


def run(excitons: float, periods: float, seed: int = 1, pulses: int = 90) -> Hopping:
    """Pulses every `periods` of the shortest period."""
    return steady_state(LATTICE, excitons, float(np.exp(-periods / RELAXATION_PULSES)), pulses, seed)


def test_excitons_spread_linearly_in_time() -> None:
    """The variance of free excitons grows by 2 D t along each axis: eq. 1."""
    found = run(0.02, 1.0)
    step = np.arange(1, LATTICE.steps + 1)
    early, late = found.squared[9] / step[9], found.squared[-1] / step[-1]
    assert late == pytest.approx(early, rel=0.1)


def test_occupation_follows_the_mean_field() -> None:
    """p = v q / (1 - q + v q) for the law `memory`, v being the crystals visited per pulse."""
    for excitons in (0.01, 0.05):
        found = run(excitons, 1.0)
        staying = np.exp(-1 / RELAXATION_PULSES)
        expected = found.visited_share * staying / (1 - staying + found.visited_share * staying)
        assert found.fast_share == pytest.approx(expected, rel=0.15)


def test_diffusivity_rises_with_the_share_of_fast_crystals() -> None:
    """D lies between its values on slow and on fast crystals, in proportion to the fast share."""
    slow, fast = LATTICE.slow / 4, LATTICE.fast / 4
    found = [run(excitons, 1.0) for excitons in (0.01, 0.05, 0.2)]
    share = np.array([one.fast_share for one in found])
    assert np.all(np.diff(share) > 0)
    expected = slow + (fast - slow) * share
    assert np.array([one.diffusivity for one in found]) == pytest.approx(expected, rel=0.3)


def test_power_counts_and_neither_rate_nor_fluence() -> None:
    """Twice the excitons at half the rate: the same power, and the same diffusivity; twice the power gives more."""
    often, seldom, brighter = run(0.02, 1.0, pulses=180), run(0.04, 2.0, seed=2), run(0.04, 1.0, seed=3)
    assert seldom.diffusivity == pytest.approx(often.diffusivity, rel=0.12)
    assert brighter.diffusivity > 1.12 * often.diffusivity
