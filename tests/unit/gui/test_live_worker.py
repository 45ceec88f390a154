"""If these fail, the window lags, hangs, mixes runs, or stops at the first thing that goes wrong."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from errors import ReductionError
from gui.live.feed import QueueFeed
from gui.live.frame import LiveFrame
from gui.live.replay_feed import ReplayFeed
from gui.live.request import Request
from gui.live.run_state import RunState
from gui.live.slow_lane import Answered, SlowLane
from gui.live.suspended import Suspended
from gui.live.worker import FRAME_PERIOD_S, LiveWorker
from gui.requests.xas.kinetics import TraceRequest
from gui.requests.xas.spectra import SpectrumRequest
from reduction.accumulator import accumulate
from reduction.events import SUSPENSION
from reduction.xas.spc_energy import spc_spectrum
from tests.support.live_runs import delay_run, energy_run
from tests.support.processor_time import processor_s
from tests.support.waiting import WAIT_S


@dataclass(frozen=True)
class Events(Request[int]):
    """Answers with the number of events."""

    def compute(self, run: RunState) -> int:
        return run.events


@dataclass(frozen=True)
class Gated(Request[int]):
    """Slow: waits for its gate."""

    slow: ClassVar[bool] = True
    gate: threading.Event

    def compute(self, run: RunState) -> int:
        assert self.gate.wait(WAIT_S)
        return run.events


@dataclass(frozen=True)
class Table(Request[int]):
    """Unhurried: a number that is read, not watched."""

    unhurried: ClassVar[bool] = True
    row: int

    def compute(self, run: RunState) -> int:
        return run.events


@dataclass(frozen=True)
class Resting(Request[int]):
    """Slow, with a long rest."""

    slow: ClassVar[bool] = True
    rest_s: ClassVar[float] = 1000.0

    def compute(self, run: RunState) -> int:
        return run.events


@dataclass(frozen=True)
class Broken(Request[int]):
    def compute(self, run: RunState) -> int:
        raise ZeroDivisionError("by design")


@dataclass(frozen=True)
class NotYet(Request[int]):
    def compute(self, run: RunState) -> int:
        raise ReductionError("Wait for more.")


@pytest.fixture
def feed() -> QueueFeed:
    return QueueFeed()


@pytest.fixture
def worker(feed: QueueFeed) -> Iterator[LiveWorker]:
    worker = LiveWorker(feed)
    worker.start()
    yield worker
    worker.stop(WAIT_S)


def put(feed: QueueFeed, documents: list[tuple[str, dict[str, Any]]]) -> None:
    for name, doc in documents:
        feed.put(name, doc)


def wait_for(worker: LiveWorker, condition: Callable[[LiveFrame], bool]) -> LiveFrame:
    deadline = time.monotonic() + WAIT_S
    while not condition(worker.frame):
        assert time.monotonic() < deadline, f"still {worker.frame}"
        time.sleep(0.001)
    return worker.frame


def test_answers_equal_the_reduction_of_the_stored_run(worker: LiveWorker, feed: QueueFeed) -> None:
    """To the last digit: they are the same functions on the same sums."""
    documents, request = energy_run(), SpectrumRequest(mode="spc")
    worker.want("panel", [request])
    put(feed, documents)
    frame = wait_for(worker, lambda frame: frame.exit_status is not None)
    answer = frame.answer(request)
    assert answer is not None
    assert answer.value is not None
    stored = spc_spectrum(accumulate(documents))
    np.testing.assert_array_equal(answer.value.transient, stored.transient)
    np.testing.assert_array_equal(answer.value.sigma, stored.sigma)
    assert frame.run is not None
    assert (frame.run.uid, frame.run.exposures, answer.events) == ("energy-1", 132, 132)


def test_a_frame_states_that_the_run_waits(worker: LiveWorker, feed: QueueFeed) -> None:
    """Lost: a window that shows a beam dump as silence of the session."""
    data = {"suspended": 1, "reason": "ring current", "waited_s": 0.0}
    stream = ("descriptor", {"uid": "waits", "run_start": "energy-1", "name": SUSPENSION})
    put(feed, [*energy_run()[:5], stream, ("event", {"descriptor": "waits", "time": 5.0, "data": data})])
    frame = wait_for(worker, lambda frame: frame.suspension is not None)
    assert frame.suspension == Suspended(reason="ring current", since_s=5.0)


def test_a_question_asked_later_is_answered_without_a_new_document(worker: LiveWorker, feed: QueueFeed) -> None:
    put(feed, energy_run())
    wait_for(worker, lambda frame: frame.exit_status is not None)
    worker.want("panel", [Events()])
    assert wait_for(worker, lambda frame: Events() in frame.answers).answer(Events()).value == 132  # type: ignore[union-attr]
    worker.forget("panel")
    wait_for(worker, lambda frame: not frame.answers)


def test_what_one_owner_forgets_the_other_keeps(worker: LiveWorker, feed: QueueFeed) -> None:
    put(feed, energy_run())
    worker.want("one", [Events()])
    worker.want("two", [Events(), NotYet()])
    wait_for(worker, lambda frame: len(frame.answers) == 2)
    worker.want("two", [])
    assert Events() in wait_for(worker, lambda frame: NotYet() not in frame.answers).answers


def test_no_frame_without_a_change_and_answers_stay_the_same_objects(worker: LiveWorker, feed: QueueFeed) -> None:
    """Panels repaint what changed: a new answer object for old numbers would repaint for nothing."""
    put(feed, energy_run())
    worker.want("panel", [Events()])
    frame = wait_for(worker, lambda frame: frame.exit_status is not None and Events() in frame.answers)
    worker.want("other", [NotYet()])
    later = wait_for(worker, lambda frame: NotYet() in frame.answers)
    assert later.answer(Events()) is frame.answer(Events())
    seen = worker.frame.number
    deadline = time.monotonic() + 10 * FRAME_PERIOD_S
    while time.monotonic() < deadline:
        assert worker.frame.number == seen


def test_frames_come_at_most_every_thirty_milliseconds(worker: LiveWorker, feed: QueueFeed) -> None:
    documents, began, before = energy_run(scans=20), time.monotonic(), worker.frame.number
    for name, doc in documents:
        feed.put(name, doc)
    wait_for(worker, lambda frame: frame.exit_status is not None)
    elapsed_s = time.monotonic() - began
    assert worker.frame.number - before <= elapsed_s / FRAME_PERIOD_S + 2


def test_tables_are_answered_one_by_one_after_the_frames() -> None:
    """Lost: a curve waits for all tables beside it, and what an event changes is seen later."""
    worker = LiveWorker(QueueFeed())
    worker.want("panel", [Events(), Table(1), Table(2)])
    for name, doc in energy_run()[:10]:
        worker._take(name, doc)
    shown = []
    for _ in range(4):
        shown.append((worker._publish(), len(worker.frame.answers)))
        worker._answer_unhurried()
    assert shown == [(True, 1), (True, 2), (True, 3), (False, 3)]
    assert {answer.events for answer in worker.frame.answers.values()} == {8}


def test_tables_too_are_complete_in_the_end(worker: LiveWorker, feed: QueueFeed) -> None:
    worker.want("panel", [Events(), Table(1), Table(2)])
    put(feed, energy_run())
    wait_for(worker, lambda frame: [answer.events for answer in frame.answers.values()] == [132] * 3)


def test_a_lane_rests_as_long_as_its_request_says() -> None:
    done: queue.SimpleQueue[Answered] = queue.SimpleQueue()
    lane = SlowLane("resting", done)
    lane.ask(RunState(), [Resting()])
    assert done.get(timeout=WAIT_S)[2].value == 0
    assert not lane.idle
    lane.end()


def test_a_frame_is_announced(worker: LiveWorker, feed: QueueFeed) -> None:
    """Lost: the window sees a frame at its next look, a sixtieth of a second later on average."""
    announced: queue.SimpleQueue[int] = queue.SimpleQueue()
    worker.published = lambda: announced.put(worker.frame.events)
    put(feed, energy_run())
    while announced.get(timeout=WAIT_S) < 132:
        pass


def test_a_slow_request_delays_no_other(worker: LiveWorker, feed: QueueFeed) -> None:
    gate, other = threading.Event(), threading.Event()
    worker.want("panel", [Events(), Gated(gate)])
    put(feed, energy_run())
    frame = wait_for(worker, lambda frame: frame.exit_status is not None and Events() in frame.answers)
    assert Gated(gate) not in frame.answers
    gate.set()
    wait_for(worker, lambda frame: Gated(gate) in frame.answers and frame.answers[Gated(gate)].events == 132)
    other.set()


def test_a_slow_answer_to_an_earlier_run_is_dropped(worker: LiveWorker, feed: QueueFeed) -> None:
    gate = threading.Event()
    worker.want("panel", [Gated(gate)])
    put(feed, energy_run("a"))
    wait_for(worker, lambda frame: frame.exit_status is not None)
    put(feed, delay_run("b")[:10])
    wait_for(worker, lambda frame: frame.events == 8)
    gate.set()
    answers = wait_for(worker, lambda frame: bool(frame.answers)).answers
    assert answers[Gated(gate)].events == 8


def test_a_new_run_begins_without_the_answers_of_the_last(worker: LiveWorker, feed: QueueFeed) -> None:
    spectrum, trace = SpectrumRequest(mode="spc"), TraceRequest()
    worker.want("panel", [spectrum, trace])
    put(feed, energy_run("a"))
    wait_for(worker, lambda frame: frame.exit_status is not None)
    put(feed, delay_run("b"))
    frame = wait_for(worker, lambda frame: frame.run is not None and frame.run.uid == "b" and frame.events == 96)
    frame = wait_for(worker, lambda frame: len(frame.answers) == 2)
    assert frame.answers[spectrum].value is None
    assert "scanned delay_ps" in frame.answers[spectrum].problem
    assert frame.answers[trace].value is not None


def test_failures_are_reported_in_words_and_end_nothing(
    worker: LiveWorker, feed: QueueFeed, caplog: pytest.LogCaptureFixture
) -> None:
    worker.want("panel", [Broken(), NotYet(), Events()])
    documents = energy_run()
    put(feed, [*documents[:2], ("event", {"nonsense": 1}), *documents[2:]])
    frame = wait_for(worker, lambda frame: frame.exit_status is not None and len(frame.answers) == 3)
    assert frame.answers[NotYet()].problem == "Wait for more."
    assert "ZeroDivisionError" in frame.answers[Broken()].problem
    assert frame.answers[Events()].value == 132
    assert "cannot be shown" in caplog.text


def test_an_unusable_document_is_reported_in_the_state_of_the_feed(worker: LiveWorker, feed: QueueFeed) -> None:
    documents = energy_run()
    documents[5][1]["data"]["point_index"] = 4000
    put(feed, documents)
    assert "point_index = 4000" in wait_for(worker, lambda frame: frame.exit_status is not None).feed.remark


def test_switching_to_a_replay_and_back_begins_from_nothing_each_time(worker: LiveWorker, feed: QueueFeed) -> None:
    worker.want("panel", [Events()])
    put(feed, energy_run("live")[:20])
    assert wait_for(worker, lambda frame: frame.events == 18).feed.live
    replay = ReplayFeed(delay_run("stored"), speed=100)
    worker.use(replay)
    frame = wait_for(worker, lambda frame: frame.run is not None and frame.run.uid == "stored")
    assert not frame.feed.live
    assert wait_for(worker, lambda frame: frame.exit_status is not None).answers[Events()].value == 96
    worker.use(feed)
    assert wait_for(worker, lambda frame: frame.feed.live).run is None


def test_two_hundred_events_a_second_cost_little() -> None:
    """A worker that needs half a core for the documents alone leaves nothing for the window; it needs 15 %."""
    documents = energy_run(scans=10)

    def take() -> None:
        worker = LiveWorker(QueueFeed())
        worker.want("panel", [SpectrumRequest(mode="spc"), SpectrumRequest(mode="boxcar")])
        for number in range(0, len(documents), 4):  # 4 documents a frame are 200 events in a second
            for name, doc in documents[number : number + 4]:
                worker._take(name, doc)
            worker._publish()
        assert worker.frame.events == 440

    assert processor_s(take, repeats=2) < 0.5 * 440 / 200
