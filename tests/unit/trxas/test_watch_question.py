"""If these fail, those at home see a result of fewer exposures than the run has, for good."""

from __future__ import annotations

from typing import Any

from gui.live.frame import FeedState, LiveFrame, RunHeader
from gui.live.request import Answer, Request
from trxas.watch.question import SHORTEST_REST_S, Question
from trxas.watch.view import Reduced
from trxas.watch.watcher import REQUEST

RUN = RunHeader(
    uid="u", scan_id=3, plan_name="energy_scan", sample="", edge="", series="", time_s=0.0, exposures=79, start={}
)
FEED = FeedState(source="session", live=True, connected=True, last_document_at=0.0, lag_s=0.0)
NONE_YET = Answer[Reduced](value=None, problem="No point yet.", events=0)
WHOLE = Answer(value=Reduced(cost_s=0.5), problem="", events=79)


def frame(events: int, answer: Answer[Reduced] | None = None, exit_status: str | None = None) -> LiveFrame:
    answers: dict[Request[Any], Answer[Any]] = {} if answer is None else {REQUEST: answer}
    return LiveFrame(number=1, feed=FEED, run=RUN, events=events, exit_status=exit_status, answers=answers)


def asked_of_the_whole_run() -> Question:
    question = Question(REQUEST)
    assert question.ask(frame(79, exit_status="success"), 0.0)
    return question


def test_an_answer_that_is_older_than_the_question_is_not_taken() -> None:
    """Lost: the curve of a quick run, whose first question found no point and whose second got the first answer."""
    question = asked_of_the_whole_run()
    assert question.take(frame(79, NONE_YET, "success"), 0.1) is None
    assert question.take(frame(79, WHOLE, "success"), 0.2) is WHOLE


def test_an_answer_that_was_there_before_the_question_is_taken_if_it_has_all_events() -> None:
    """Lost: the result of a run that ends without a further exposure: no other answer would come."""
    question = asked_of_the_whole_run()
    assert question.take(frame(79, WHOLE, "success"), 0.1) is WHOLE


def test_a_run_that_does_not_change_is_not_asked_again() -> None:
    question = asked_of_the_whole_run()
    question.take(frame(79, WHOLE, "success"), 0.1)
    assert not question.ask(frame(79, WHOLE, "success"), 1e6)


def test_a_rest_follows_each_answer() -> None:
    """Lost: the core that the session measures on."""
    question = Question(REQUEST)
    assert question.ask(frame(0), 0.0)
    assert not question.ask(frame(5), 0.1), "asked already"
    question.take(frame(5, NONE_YET), 0.2)
    assert not question.ask(frame(6), 0.1 + SHORTEST_REST_S)
    assert question.ask(frame(6), 0.2 + SHORTEST_REST_S)
    question.take(frame(79, WHOLE), 2.0)
    assert not question.ask(frame(79, exit_status="success"), 3.9)
    assert question.ask(frame(79, exit_status="success"), 4.0)


def test_a_new_run_is_asked_at_once() -> None:
    question = asked_of_the_whole_run()
    question.take(frame(79, WHOLE, "success"), 0.1)
    question.begin()
    assert question.ask(frame(0), 0.2)
