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
    recorded.engine.subscribe(SelfTestJudge(load_configuration().beamline, said.append))
    recorded.engine.subscribe(lambda *_: said.append("stop") if len(said) < 3 else None, "stop")
    recorded.run(quick_plan(recorded.line, "energy_scan"))
    recorded.run(quick_plan(recorded.line, "delay_self_test"))
    verdicts = [text for text in said if text != "stop"]
    assert len(verdicts) == 1
    # The fake beamline counts the same at every delay.
    assert verdicts[0].startswith("THE DELAY AXIS IS NOT GOOD: fine: no rise")
    assert verdicts[0].count("\n") == 4


def test_runs_of_two_self_tests_are_not_mixed(recorded: RecordedRuns) -> None:
    said: list[str] = []
    recorded.engine.subscribe(SelfTestJudge(load_configuration().beamline, said.append))
    documents: list[int] = []
    recorded.run(quick_plan(recorded.line, "delay_self_test", series="first"))
    documents.append(len(said))
    recorded.run(quick_plan(recorded.line, "delay_self_test", series="second"))
    documents.append(len(said))
    assert documents == [1, 2]
