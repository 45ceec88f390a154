"""If these fail, an axis that nobody scans moves while a point is measured, and the point counts anyway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import plans
from tests.support.recorded_runs import RecordedRuns


def during_exposures(recorded: RecordedRuns, happens: Callable[[int], None]) -> None:
    """Call `happens` with the number of each exposure, from 1, while it counts."""
    publish = recorded.hardware._publish

    def publish_after(dwell_s: float) -> None:
        happens(recorded.hardware.exposures)
        publish(dwell_s)

    recorded.hardware._publish = publish_after  # type: ignore[method-assign]  # for this test


def test_an_axis_that_moves_during_an_exposure_costs_that_exposure(recorded: RecordedRuns) -> None:
    nozzle: Any = recorded.line.further_axes["nozzle_mm"]
    during_exposures(recorded, lambda number: nozzle.readback.sim_put(1.0) if number == 2 else None)
    recorded.run(plans.delay_scan(recorded.line, "Br K", delays_ps=[0.0, 50.0, 100.0], dwell_s=1.0))
    assert [event["quality"] for event in recorded.events] == ["", "nozzle_mm", "", ""]


def test_an_axis_may_be_moved_between_exposures(recorded: RecordedRuns) -> None:
    """Its place is the one where the user has put it, whatever it was before."""
    nozzle: Any = recorded.line.further_axes["nozzle_mm"]
    nozzle.readback.sim_put(-2.0)
    recorded.run(plans.delay_scan(recorded.line, "Br K", delays_ps=[0.0, 50.0], dwell_s=1.0))
    assert [event["quality"] for event in recorded.events] == ["", ""]
    assert [event["nozzle_mm"] for event in recorded.events] == [-2.0, -2.0]


def test_a_move_within_the_tolerance_does_not_count(recorded: RecordedRuns) -> None:
    nozzle: Any = recorded.line.further_axes["nozzle_mm"]
    during_exposures(recorded, lambda number: nozzle.readback.sim_put(0.009))
    recorded.run(plans.delay_scan(recorded.line, "Br K", delays_ps=[0.0], dwell_s=1.0))
    assert [event["quality"] for event in recorded.events] == [""]


@pytest.mark.parametrize("severity", [3])
def test_a_record_that_is_invalid_marks_the_field_of_a_good_event(recorded: RecordedRuns, severity: int) -> None:
    """Nobody has sent the axis anywhere, so its record decides nothing; the event states that there is no value."""
    nozzle: Any = recorded.line.further_axes["nozzle_mm"]
    nozzle.readback.set_alarm(severity, 0)
    recorded.run(plans.delay_scan(recorded.line, "Br K", delays_ps=[0.0], dwell_s=1.0))
    assert [(event["quality"], event["marks"]) for event in recorded.events] == [("", "nozzle_mm_invalid")]
