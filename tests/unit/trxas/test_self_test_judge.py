"""If these fail, a delay axis that jumps is measured with for a night, though its self-test has seen it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.quick_plans import quick_plan
from tests.support.recorded_runs import RecordedRuns
from trxas.configuration import load_configuration
from trxas.session.self_test_judge import SelfTestJudge


@pytest.fixture
def recorded() -> Iterator[RecordedRuns]:
    """Runs of one test, without a Pilatus."""
    with RecordedRuns() as runs:
        yield runs


def test_the_axis_is_judged_when_the_last_arm_has_ended_and_not_before(recorded: RecordedRuns) -> None:
    said: list[str] = []
    judge = SelfTestJudge(load_configuration().beamline, said.append)
    judge("start", {"uid": "other", "series": "night", "plan_name": "energy_scan"})
    judge("stop", {"exit_status": "success"})
    recorded.engine.subscribe(judge)
    recorded.run(quick_plan(recorded.line, "delay_self_test"))
    assert len(said) == 1
    # The fake beamline counts the same at every delay.
    assert said[0].startswith("THE DELAY AXIS IS NOT GOOD: fine: no rise")
    assert said[0].count("\n") == 4


def test_runs_of_two_self_tests_are_not_mixed() -> None:
    said: list[str] = []
    judge = SelfTestJudge(load_configuration().beamline, said.append)
    arms = ["fine", "coarse", "fine lower", "probe"]
    for series, measured in (("aborted", arms[:3]), ("whole", arms)):
        for arm in measured:
            judge("start", {"uid": f"{series} {arm}", "series": series, "self_test": {"arm": arm}})
            judge("stop", {"exit_status": "success"})
        assert len(said) == (series == "whole")
    assert said[0].startswith("The delay axis could not be judged")
