"""If these fail, maps are measured in an order that drift reads as width, or cuts through power and rate are none."""

from __future__ import annotations

import pytest

from plans.reference import with_plans
from plans.registry import PLANS, plans_of
from plans.tplm.excitation_cuts import constant_fluence, constant_power, constant_rate
from plans.tplm.map_points import line_offsets
from plans.tplm.series import equalising_filter
from tests.unit.plans.test_registry import DOCS
from trxas.configuration import load_configuration

MICROSCOPE = load_configuration("tplm").beamline


def test_the_documentation_of_the_plans_is_current() -> None:
    """Run `.venv/bin/python docs/write_plans.py` after a plan has changed."""
    page = (DOCS / "reference" / "tplm-plans.md").read_text(encoding="utf-8")
    assert page == with_plans(page, MICROSCOPE)


def test_each_configuration_offers_the_plans_of_its_techniques() -> None:
    """Lost: a prompt and forms full of plans that the beamline cannot run."""
    names = {plan.entry.name for plan in plans_of(MICROSCOPE)}
    others = {plan.entry.name for plan in plans_of(load_configuration().beamline)}
    assert "tplm_map" in names
    assert "energy_scan" in others
    assert names | others == set(PLANS)
    assert not names & others


def test_even_positions_come_first_and_the_centre_again_in_between() -> None:
    offsets, repeated = line_offsets(9, 0.1, 4)
    assert offsets == pytest.approx([-0.4, -0.2, 0.0, 0.2, 0.0, 0.4, -0.3, -0.1, 0.1, 0.0, 0.3])
    assert repeated == [4, 9]
    assert line_offsets(3, 0.1, 0)[0] == pytest.approx([-0.1, 0.1, 0.0])
    assert line_offsets(3, 0.1, 0)[1] == []


def test_a_map_of_the_paper_has_31_places_and_three_or_four_repeats_of_the_centre() -> None:
    offsets, repeated = line_offsets(31, 0.101, 8)
    assert len(offsets) - len(repeated) == 31
    assert len(repeated) == 3
    assert len(set(offsets)) == 31


def test_cuts_hold_one_quantity() -> None:
    """Lost: the attribution of the diffusivity to power; numbers of Table S2: 0.0205 excitations at 5 nW and 5 MHz."""
    assert constant_power(2.5, [1, 5]) == [(2.5, 1.0), (2.5, 5.0)]
    assert constant_rate([1, 5], 5.0) == [(1.0, 5.0), (5.0, 5.0)]
    assert constant_fluence(0.0205, [2.5, 5.0]) == [(2.5, 2.5), (5.0, 5.0)]


@pytest.mark.parametrize(
    ("ratio", "density"), [(1.0, 0.0), (2.0, 0.3), (4.0, 0.6), (10.0, 1.0), (20.0, 1.3), (100.0, 2.0)]
)
def test_the_filter_brings_the_counts_back(ratio: float, density: float) -> None:
    assert equalising_filter(ratio) == density
