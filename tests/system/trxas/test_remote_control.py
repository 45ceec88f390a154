"""If these fail, a window cannot pause or end the plan of a session, or ends it uninvited."""

from __future__ import annotations

import signal
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import ophyd.sim
import pytest
import zmq
from bluesky.utils import Msg

from gui.control.manager_link import RefusedError, ServerAddress, ServerSilentError, ZmqManagerLink
from tests.support.waiting import WAIT_S, until
from trxas.announcements.session_file import NAME, read_session
from trxas.session.listener import Listener
from trxas.session.remote_control import Answer, RemotelyPausableEngine

POINTS = 5
Ask = Callable[..., Any]


class Bench:
    """An engine, what it has said and measured, and a plan that waits at the points to `hold`."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.documents: list[tuple[str, dict[str, Any]]] = []
        self.engine = RemotelyPausableEngine({}, say=self.said.append)
        self.engine.subscribe(lambda name, doc: self.documents.append((name, doc)))
        self.reached = [threading.Event() for _ in range(POINTS)]
        self.go_on = [threading.Event() for _ in range(POINTS)]
        for event in self.go_on:
            event.set()
        self.failures: list[BaseException] = []

    def plan(self) -> Generator[Msg, Any, None]:
        @bpp.run_decorator(md={"plan_name": "plan"})
        def run() -> Generator[Msg, Any, None]:
            for number in range(POINTS):
                yield from bps.checkpoint()
                self.reached[number].set()
                while not self.go_on[number].is_set():
                    yield from bps.sleep(0.01)
                yield from bps.create()
                yield from bps.read(ophyd.sim.det1)
                yield from bps.save()

        yield from run()

    @property
    def events(self) -> int:
        return sum(name == "event" for name, _ in self.documents)

    @property
    def exit_status(self) -> str:
        return str(self.documents[-1][1]["exit_status"])

    @contextmanager
    def somebody(self, *steps: Callable[[], object]) -> Iterator[None]:
        """Takes `steps` in another thread, one after the other, while the plan runs here."""

        def work() -> None:
            try:
                for step in steps:
                    step()
            except BaseException as error:
                self.failures.append(error)
                # Nothing else would end a plan that waits for the next step.
                signal.raise_signal(signal.SIGINT)
                raise

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            thread.join(WAIT_S)
        assert not thread.is_alive()
        assert self.failures == []

    def hold(self, number: int) -> None:
        self.go_on[number].clear()

    def reach(self, number: int) -> Callable[[], None]:
        return lambda: until(self.reached[number].is_set, f"point {number}")

    def let_go(self, number: int) -> Callable[[], None]:
        return self.go_on[number].set

    def pause(self, *, at_next_point: bool = False) -> Callable[[], None]:
        return lambda: self.engine.pause(at_next_point=at_next_point)

    def paused(self) -> None:
        until(lambda: self.engine.public_state == "paused", lambda: self.engine.public_state)

    def answer(self, answer: Answer) -> Callable[[], None]:
        return lambda: self.engine.answer(answer)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def listener(bench: Bench, tmp_path: Path) -> Iterator[Listener]:
    made = Listener(bench.engine, "anna@hutch:1", tmp_path)
    yield made
    made.close()
    assert read_session(tmp_path) is None


@pytest.fixture
def ask(listener: Listener) -> Iterator[Ask]:
    """Requests as the window sends them."""
    link = ZmqManagerLink(ServerAddress(listener.where.address, listener.where.public_key), timeout_s=WAIT_S)
    yield lambda method, **parameters: link.request(method, parameters)
    link.close()


def test_a_window_pauses_and_resumes_over_the_wire(bench: Bench, ask: Ask) -> None:
    states: list[str] = []

    def note() -> None:
        status = ask("status")
        states.append(f"{status['manager_state']}, {status['re_state']}")

    bench.hold(1)
    with bench.somebody(
        *(note, bench.reach(1), note, lambda: ask("re_pause", option="immediate")),
        *(lambda: until(lambda: ask("status")["manager_state"] == "paused", "the pause"), note),
        *(bench.let_go(1), lambda: ask("re_resume")),
    ):
        bench.engine(bench.plan())
    assert states[1:] == ["executing_queue, running", "paused, paused"]
    assert ask("status")["session"] == "anna@hutch:1"
    assert bench.events == POINTS


def test_a_window_sees_which_plan_runs(bench: Bench, ask: Ask) -> None:
    seen: list[Any] = []
    bench.hold(1)
    with bench.somebody(bench.reach(1), lambda: seen.append(ask("queue_get")["running_item"]), bench.let_go(1)):
        bench.engine(bench.plan())
    assert seen[0]["name"] == "plan"
    assert ask("queue_get")["running_item"] == {}


def test_what_cannot_be_done_is_refused_in_words(ask: Ask) -> None:
    with pytest.raises(RefusedError, match="can not be paused"):
        ask("re_pause", option="immediate")
    with pytest.raises(RefusedError, match="choose one of immediate, deferred"):
        ask("re_pause", option="at once")
    with pytest.raises(RefusedError, match="No plan waits"):
        ask("re_resume")
    with pytest.raises(RefusedError, match="does not answer 'queue_start'"):
        ask("queue_start")
    assert ask("status")["manager_state"] == "idle", "it still answers"


def test_what_is_no_request_is_refused_and_the_next_one_answered(listener: Listener) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger, socket.rcvtimeo = 0, 30_000
        socket.curve_serverkey = listener.where.public_key.encode()
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.connect(listener.where.address)
        for message in (b"\xff\x00", b"[]", b'{"params": {}}', b'{"method": "status", "params": 3}'):
            socket.send(message)
            assert "Not a request" in socket.recv_json()["msg"]  # type: ignore[index,call-overload]
        socket.send_json({"method": "status"})
        assert socket.recv_json()["success"]  # type: ignore[index,call-overload]


def test_only_who_may_read_the_file_is_heard(listener: Listener, tmp_path: Path) -> None:
    """Anybody with a login on the machine could end the scan otherwise."""
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert read_session(tmp_path) == listener.where
    other, _ = zmq.curve_keypair()
    for address in (ServerAddress(listener.where.address), ServerAddress(listener.where.address, other.decode())):
        link = ZmqManagerLink(address, timeout_s=1.0)
        with pytest.raises(ServerSilentError):
            link.request("status", {})
        link.close()
