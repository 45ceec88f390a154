"""If these fail, a window cannot pause or end the plan of a session, or ends it uninvited."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from gui.control.manager_link import RefusedError, ServerAddress, ServerSilentError, ZmqManagerLink
from tests.support.control_bench import POINTS, Bench
from tests.support.waiting import WAIT_S, until
from trxas.announcements.session_file import NAME, read_session
from trxas.session.listener import Listener

Ask = Callable[..., Any]


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
