"""If these fail, a window cannot pause or end the plan of a session, or ends it uninvited."""

from __future__ import annotations

import signal
import threading

import ophyd.sim
import pytest
from bluesky.utils import RunEngineInterrupted

from tests.support.control_bench import POINTS, Bench
from trxas.session.remote_control import EndedFromWindowError, NotWaitingError, PauseAnswer


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_paused_plan_continues_where_it_was_and_its_caller_gets_all_points(bench: Bench) -> None:
    """Otherwise a pause from the window would end a night's script, or cost points."""
    bench.hold(2)
    with bench.somebody(bench.reach(2), bench.pause(), bench.paused, bench.let_go(2), bench.answer(PauseAnswer.RESUME)):
        (uid,) = bench.engine(bench.plan())
    assert bench.documents[0][1]["uid"] == uid
    assert (bench.events, bench.exit_status) == (POINTS, "success")
    assert "Paused from a window" in bench.said[0]
    assert "Resumed from a window" in bench.said[1]


def test_a_pause_at_the_next_point_lets_this_one_be_finished(bench: Bench) -> None:
    measured: list[int] = []
    bench.hold(2)
    with bench.somebody(
        *(bench.reach(2), bench.pause(at_next_point=True), bench.let_go(2), bench.paused),
        *(lambda: measured.append(bench.events), bench.answer(PauseAnswer.RESUME)),
    ):
        bench.engine(bench.plan())
    assert measured == [3]
    assert bench.events == POINTS


def test_it_may_be_paused_repeatedly(bench: Bench) -> None:
    bench.hold(1)
    bench.hold(3)
    with bench.somebody(
        *(bench.reach(1), bench.pause(), bench.paused, bench.let_go(1), bench.answer(PauseAnswer.RESUME)),
        *(bench.reach(3), bench.pause(), bench.paused, bench.let_go(3), bench.answer(PauseAnswer.RESUME)),
    ):
        bench.engine(bench.plan())
    assert bench.events == POINTS


def test_a_pause_that_comes_while_the_plan_is_being_resumed_is_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: the pause. Windows show the plan as running, but shutters open and axes return before it is."""
    monkeypatch.setattr(type(ophyd.sim.det1), "resume", lambda _: threading.Event().wait(0.3))
    bench.hold(1)
    with bench.somebody(
        *(bench.reach(1), bench.pause(), bench.paused, bench.answer(PauseAnswer.RESUME)),
        *(bench.pause(), bench.paused, bench.let_go(1), bench.answer(PauseAnswer.RESUME)),
    ):
        bench.engine(bench.plan())
    assert bench.events == POINTS


@pytest.mark.parametrize(("answer", "status"), [(PauseAnswer.STOP, "success"), (PauseAnswer.ABORT, "abort")])
def test_the_caller_of_an_ended_plan_gets_an_error(bench: Bench, answer: PauseAnswer, status: str) -> None:
    """A script that took a stopped scan for a whole one would go on with half of the data."""
    bench.hold(2)
    with (
        pytest.raises(EndedFromWindowError, match=f"{answer.value} from a window"),
        bench.somebody(bench.reach(2), bench.pause(), bench.paused, bench.let_go(2), bench.answer(answer)),
    ):
        bench.engine(bench.plan())
    assert (bench.events, bench.exit_status) == (2, status)
    assert str(bench.engine.state) == "idle"


def test_ctrl_c_brings_the_prompt_where_the_pause_is_bluesky_s_own(bench: Bench) -> None:
    """The person at the prompt must not be locked out by one at a window, nor the other way round in secret."""
    bench.hold(2)
    with (
        pytest.raises(RunEngineInterrupted),
        bench.somebody(bench.reach(2), bench.pause(), bench.paused, lambda: signal.raise_signal(signal.SIGINT)),
    ):
        bench.engine(bench.plan())
    assert bench.engine.at_prompt
    with pytest.raises(NotWaitingError, match="terminal"):
        bench.engine.answer(PauseAnswer.ABORT)
    bench.go_on[2].set()
    bench.engine.resume()
    assert (bench.events, bench.exit_status) == (POINTS, "success")


def test_after_the_prompt_windows_may_pause_again(bench: Bench) -> None:
    bench.hold(1)
    with pytest.raises(RunEngineInterrupted), bench.somebody(bench.reach(1), bench.engine.request_pause):
        bench.engine(bench.plan())
    assert bench.engine.at_prompt
    bench.go_on[1].set()
    bench.hold(3)
    with bench.somebody(bench.reach(3), bench.pause(), bench.paused, bench.let_go(3), bench.answer(PauseAnswer.RESUME)):
        bench.engine.resume()
    assert bench.events == POINTS


def test_a_pause_that_came_too_late_leaves_no_trace(bench: Bench) -> None:
    """A pause asked for at the last point must not stop tomorrow's first plan."""
    bench.hold(POINTS - 1)
    with bench.somebody(bench.reach(POINTS - 1), bench.pause(at_next_point=True), bench.let_go(POINTS - 1)):
        bench.engine(bench.plan())
    bench.engine(bench.plan())
    assert bench.events == 2 * POINTS
    assert bench.said == []
