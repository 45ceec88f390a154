"""If these fail, static spectra ask for a laser they do not use, or hold another sample, temperature or detector."""

from __future__ import annotations

from typing import Any

import pytest

import plans
from errors import (
    AcquisitionError,
)
from tests.support.recorded_runs import RecordedRuns

GRID = [(13_450, 13_460, 5), (13_460, 13_470, 2)]


def static_scan(recorded: RecordedRuns, edge: str = "Br K", **options: Any) -> Any:
    return recorded.run(
        plans.static_energy_scan(
            recorded.line, edge, **({"dwell_s": 1.0, "regions_ev": GRID, "allow_unreducible": True} | options)
        )
    )


def test_a_pumped_scan_after_it_needs_its_conditions_again(recorded: RecordedRuns) -> None:
    static_scan(recorded)
    recorded.engine.subscribe(lambda name, doc: recorded.line.surroundings.jet_flow.sim_put(0.0), "start")
    stored = len(recorded.events)
    with pytest.raises(AcquisitionError, match="jet_flow = 0 ml/min, needs at least 225 ml/min"):
        recorded.run(
            plans.energy_scan(
                recorded.line, "Br K", delay_ps=100.0, regions_ev=[(13_450, 13_452, 1)], allow_unreducible=True
            )
        )
    assert all("quality" not in event for event in recorded.events[stored:])
