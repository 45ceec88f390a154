"""If these fail, a scan that counts until its result is known gets no answer, or one from the wrong run."""

from __future__ import annotations

from typing import Any

from bluesky.utils import Msg

from plans.engine.until import QUESTION, NextPassQuestion, Until
from tests.support import live_runs
from tests.support.types import Documents
from trxas.session.count_judge import CountJudge

UNTIL = Until(goal="tau1", sigma=1.0)


def counted(until: Until | None = UNTIL, **start: Any) -> Documents:
    """Documents of a delay scan without its stop, as a judge has them between two passes."""
    documents = [(name, dict(doc)) for name, doc in live_runs.delay_run(seed=1, dwell_s=600.0) if name != "stop"]
    goal = {} if until is None else {"until": until.document()}
    documents[0][1].update(goal | {"dwell_s": 600.0} | start)
    return documents


def judge_after(documents: Documents, earlier: Documents | None = None) -> tuple[CountJudge, list[str]]:
    said: list[str] = []
    judge = CountJudge(lambda _uid: earlier or [], said.append)
    for name, doc in documents:
        judge(name, doc)
    return judge, said


def asked(judge: CountJudge) -> NextPassQuestion:
    """A question as it has passed through the judge."""
    question = NextPassQuestion(UNTIL)

    def plan() -> Any:
        yield Msg("null", None, **{QUESTION: question})

    list(judge.answering(plan()))
    return question


def test_a_run_with_a_goal_gets_points_and_a_line() -> None:
    judge, said = judge_after(counted())
    question = asked(judge)
    assert question.judge is not None
    answer = question.judge()
    assert answer is not None
    assert answer.points
    assert said[0].startswith("tau1 known to ")


def test_a_reached_goal_has_no_points() -> None:
    judge, said = judge_after(counted(Until(goal="tau1", sigma=1e5)))
    answer = judge.decide()
    assert answer is not None
    assert answer.points == ()
    assert "reached" in said[0]


def test_a_run_of_fixed_length_is_not_answered() -> None:
    judge, _ = judge_after(counted(until=None))
    assert asked(judge).judge is None


def test_a_resumed_run_is_judged_with_the_counts_of_the_run_it_resumes() -> None:
    """Lost: the beam time of the killed run, which would be measured again."""
    documents = counted(resumes="killed")
    judge, said = judge_after(documents[:1], earlier=counted())
    answer = judge.decide()
    assert answer is not None
    assert said[0].startswith("tau1 known to ")


def test_a_pass_that_shows_nothing_leads_to_another_one() -> None:
    judge, said = judge_after(counted()[:4])
    assert judge.decide() is None
    assert said[0].startswith("another pass over all points: ")
