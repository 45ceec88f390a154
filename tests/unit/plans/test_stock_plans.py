"""If these fail, bluesky's own plans do not work with the beamline's devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import pytest

from tests.support.recorded_runs import RecordedRuns


def point(recorded: RecordedRuns) -> Any:
    """The reader of a point; its documents are plain mappings, which bluesky's types do not accept."""
    return recorded.line.point


def test_count_with_the_reader_makes_events_like_any_scan(recorded: RecordedRuns) -> None:
    recorded.run(bp.count([point(recorded)], num=2))
    assert [event["exposure_s"] for event in recorded.events] == [1.0, 1.0]
    assert [event["quality"] for event in recorded.events] == ["", ""]


def test_scan_moves_an_axis_and_reads(recorded: RecordedRuns) -> None:
    recorded.run(bp.scan([point(recorded)], recorded.line.energy, 13_440, 13_442, 3))
    assert [event["energy_ev"] for event in recorded.events] == pytest.approx([13_440, 13_441, 13_442])
    assert [event["energy"] for event in recorded.events] == pytest.approx([13_440, 13_441, 13_442])


def test_count_with_the_counters_alone(recorded: RecordedRuns) -> None:
    recorded.run(bp.count([recorded.line.exposure]))
    (event,) = recorded.events
    assert event["exposure_i0"] == 1e6
    assert event["exposure_counts"].shape == (2, 5)


def test_a_plan_reads_the_state_of_a_shutter(recorded: RecordedRuns) -> None:
    found: list[Any] = []

    def look() -> Any:
        found.append((yield from bps.rd(recorded.line.laser_shutter)))

    recorded.run(look())
    assert found in ([0], [1])


def test_a_stock_plan_leaves_a_trxas_plan_as_it_was(recorded: RecordedRuns) -> None:
    """Lost: exposures without targets in a scan that follows."""
    recorded.run(bp.count([point(recorded)]))
    assert recorded.line.point.phase == "idle"


def test_the_fake_pilatus_counts_too(tmp_path: Path) -> None:
    with RecordedRuns(tmp_path) as runs:
        pilatus: Any = runs.line.pilatus
        runs.run(bp.count([pilatus]))
        assert len(runs.events) == 1
