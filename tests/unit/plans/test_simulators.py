"""If these fail, nobody can read a plan before it runs: simulators take minutes, or the plan needs an engine.

A simulator reads the messages of a plan and does nothing else. Waits are messages, so that it passes them at once.
"""

from __future__ import annotations

import threading
import time
import warnings
from pathlib import Path

import pytest
from bluesky.simulators import check_limits, summarize_plan

import plans
from plans.edges import BR_K
from plans.energy_points import edge_points
from tests.support.quick_plans import QUICK, quick_plan
from tests.support.recorded_runs import RecordedRuns


@pytest.mark.parametrize("name", QUICK)
def test_a_plan_can_be_read_without_an_engine(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RecordedRuns(tmp_path) as runs:
        summarize_plan(quick_plan(runs.line, name))
        with warnings.catch_warnings(action="error"):
            check_limits(quick_plan(runs.line, name))
        assert runs.hardware.moves == []


def test_reading_a_whole_spectrum_costs_messages_and_no_waiting(
    recorded: RecordedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: 40 s of a check, if each of 79 points waits half a second for monitors that never change."""
    here = threading.get_ident()
    sleep = time.sleep

    def refused_here(seconds: float) -> None:
        # Threads of the libraries may sleep.
        assert threading.get_ident() != here, "the plan waits by the wall clock"
        sleep(seconds)

    monkeypatch.setattr("time.sleep", refused_here)
    messages = list(plans.energy_scan(recorded.line, "Br K", delay_ps=100.0))
    points = len(edge_points(BR_K, None))
    assert sum(message.command == "save" for message in messages) == points
    assert len(messages) < 20 * points


def test_waiting_for_a_beam_that_never_comes_ends_in_a_simulator_too(recorded: RecordedRuns) -> None:
    plan = plans.energy_scan(recorded.line, "Br K", delay_ps=100.0)
    next(plan)
    while recorded.line.surroundings.ring_current.get() > 0:
        message = next(plan)
        if message.command == "open_run":
            recorded.line.surroundings.ring_current.sim_put(0.0)
    with pytest.raises(Exception, match="has not ended: ring_current"):
        for _ in plan:
            pass
