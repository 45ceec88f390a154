"""If these fail, a drift of laser or jet biases the lifetimes of a usual delay scan, or it counts for another time."""

from __future__ import annotations

from typing import Any

import pytest

import plans
from plans.choices import PointOrder
from plans.engine.request import ScanRequest
from plans.engine.scanning import announced_requests
from tests.support.fake_beamline import FakeHardware

DELAYS_PS = [-100.0, 0.0, 100.0]


def requested(**options: Any) -> ScanRequest:
    line = FakeHardware().beamline
    (request,) = announced_requests(plans.delay_scan(line, "Br K", delays_ps=DELAYS_PS, **options))
    return request


def test_a_delay_scan_goes_up_and_down_in_short_passes_by_default() -> None:
    """Lost: lifetimes without bias, if nobody thinks of asking for several passes."""
    request = requested()
    assert (request.repeats, request.dwell_s, request.order) == (3, 2.0, PointOrder.SNAKE)
    assert [point for _, point, _ in request.course()] == [0, 1, 2, 2, 1, 0, 0, 1, 2]


@pytest.mark.parametrize(
    ("dwell_s", "passes", "pass_s"), [(0.5, 1, 0.5), (3.9, 1, 3.9), (7.0, 3, 2.333), (36.0, 18, 2.0)]
)
def test_the_beam_time_of_a_point_is_what_was_asked_for(dwell_s: float, passes: int, pass_s: float) -> None:
    """Lost: the beam time that a user has planned with, as each pass would count for the whole of it."""
    request = requested(dwell_s=dwell_s)
    assert (request.repeats, request.dwell_s) == (passes, pass_s)
    assert request.beam_s == pytest.approx(len(DELAYS_PS) * dwell_s, abs=0.01)


def test_each_of_the_passes_that_a_user_asks_for_counts_for_the_whole_dwell() -> None:
    """Lost: the meaning of `dwell_s` in every script that gives `repeats`."""
    request = requested(dwell_s=6.0, repeats=2)
    assert (request.repeats, request.dwell_s) == (2, 6.0)


def test_a_single_pass_can_be_asked_for() -> None:
    """Lost: the scan with the fewest moves, for a delay that takes long to reach."""
    request = requested(dwell_s=6.0, repeats=1)
    assert (request.repeats, request.dwell_s, request.order) == (1, 6.0, PointOrder.INTERLEAVED)


def test_a_scan_with_a_goal_decides_on_its_passes_by_itself() -> None:
    """Lost: exposures of the length that was asked for, between which the session decides."""
    request = requested(dwell_s=6.0, until_sigma=1e-3, max_time_s=600.0)
    assert (request.repeats, request.dwell_s) == (1000, 6.0)


def test_other_scans_pass_once_over_their_points() -> None:
    """Lost: the beam time of moves that a scan of the energy does not need."""
    line = FakeHardware().beamline
    (request,) = announced_requests(
        plans.energy_scan(
            line, "Br K", delay_ps=100.0, regions_ev=[(13_460, 13_480, 2)], dwell_s=6.0, allow_unreducible=True
        )
    )
    assert (request.repeats, request.dwell_s) == (1, 6.0)
