"""If these fail, energies are wrong by what the foil should have shown, or nobody can tell how they were corrected."""

from __future__ import annotations

import pytest

import plans
from tests.support.recorded_runs import RecordedRuns


def test_the_foil_is_scanned_with_the_laser_blocked(recorded: RecordedRuns) -> None:
    uid = recorded.run(plans.foil_scan(recorded.line, repeats=2))
    (start,) = recorded.starts
    assert (start["uid"], start["plan_name"], start["laser"]) == (uid, "foil_scan", "closed")
    assert {event["laser_shutter"] for event in recorded.events} == {0}
    assert {event["quality"] for event in recorded.events} == {""}
    energies = start["grid"]["points"]
    assert [event["energy_ev"] for event in recorded.events] == pytest.approx(energies * 2)
    assert energies[0] < 13_015 < 13_035 < 13_055 < energies[-1]
    assert all(event["foil"] > 0 and event["i0"] > 0 for event in recorded.events)
    assert 1 not in recorded.moved("laser_shutter")
