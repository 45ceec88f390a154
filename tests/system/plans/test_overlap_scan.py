"""If these fail, the laser is centred beside the X-rays, or left beside them after a scan."""

from __future__ import annotations

import numpy as np
import pytest

import plans
from plans.xas.overlap_scan import POSITIONS_UM
from tests.support.recorded_runs import RecordedRuns
from tests.support.waiting import WAIT_S

X = np.array(POSITIONS_UM)


@pytest.mark.parametrize(("direction", "other"), [("horizontal", "vertical"), ("vertical", "horizontal")])
def test_one_mirror_moves_and_comes_back(recorded: RecordedRuns, direction: str, other: str) -> None:
    mirror = recorded.line.axes[f"pointing_{direction}_um"]
    mirror.set(12.0).wait(timeout=WAIT_S)
    uid = recorded.run(plans.overlap_scan(recorded.line, direction, dwell_s=1.0, repeats=2))
    (start,) = recorded.starts
    assert (start["uid"], start["plan_name"], start["direction"]) == (uid, "overlap_scan", direction)
    assert start["grid"] == {"axis": f"pointing_{direction}_um", "points": list(POSITIONS_UM)}
    assert [event[f"pointing_{direction}_um"] for event in recorded.events] == [*POSITIONS_UM, *reversed(POSITIONS_UM)]
    assert {event[f"pointing_{other}_um"] for event in recorded.events} == {0.0}
    assert mirror.position == 12.0
    assert recorded.line.laser_shutter.position == "closed"
