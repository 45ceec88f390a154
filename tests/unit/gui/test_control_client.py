"""If these fail, buttons of the window do something else than they say, or a failure is not reported."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui.control.engine import Action, Engine, allowed_actions, engine_state
from gui.control.queue_client import QueueClient
from tests.support.fake_queue_server import FakeQueueServer
from tests.support.waiting import WAIT_MS

START = Callable[..., QueueClient]


@pytest.fixture
def start(qtbot: QtBot) -> Iterator[START]:
    """Start a client of a server and wait until it has heard of it."""
    clients: list[QueueClient] = []

    def start_client(server: FakeQueueServer, pause_timeout_s: float = 10.0) -> QueueClient:
        client = QueueClient(server, poll_period_s=0.02, pause_timeout_s=pause_timeout_s)
        clients.append(client)
        with qtbot.waitSignal(client.snapshot_changed, timeout=WAIT_MS):
            client.start()
        return client

    yield start_client
    for client in clients:
        assert client.stop()


@pytest.mark.parametrize(
    ("manager", "engine", "pending", "environment", "state"),
    [
        ("idle", "idle", False, False, Engine.CLOSED),
        ("idle", "idle", False, True, Engine.IDLE),
        ("starting_queue", "idle", False, True, Engine.BETWEEN),
        ("executing_queue", "idle", False, True, Engine.BETWEEN),
        ("executing_queue", "running", False, True, Engine.RUNNING),
        ("executing_queue", "running", True, True, Engine.PAUSING),
        ("executing_queue", "pausing", False, True, Engine.PAUSING),
        ("executing_queue", "aborting", False, True, Engine.ENDING),
        ("paused", "paused", False, True, Engine.PAUSED),
        ("creating_environment", None, False, False, Engine.CHANGING),
        ("something new", "idle", False, True, Engine.BUSY),
    ],
)
def test_state_follows_the_server(manager: str, engine: str, pending: bool, environment: bool, state: Engine) -> None:
    status = {"manager_state": manager, "re_state": engine, "pause_pending": pending}
    assert engine_state({**status, "worker_environment_exists": environment}) is state


def test_no_button_works_where_it_would_be_refused() -> None:
    for state in (Engine.NO_SERVER, Engine.CHANGING, Engine.ENDING, Engine.BUSY):
        assert not allowed_actions(state, queued=3)
    assert Action.START not in allowed_actions(Engine.IDLE, queued=0)
    assert Action.START in allowed_actions(Engine.IDLE, queued=1)
    assert allowed_actions(Engine.PAUSED) == {Action.RESUME, Action.STOP, Action.ABORT}
    assert Action.KEEP_QUEUE in allowed_actions(Engine.RUNNING, stop_pending=True)
    assert Action.STOP_QUEUE not in allowed_actions(Engine.RUNNING, stop_pending=True)


def test_the_window_never_waits_for_the_server(start: START, qtbot: QtBot) -> None:
    server = FakeQueueServer()
    client = start(server)
    client.add("measure", {"edge": "Br K", "delay_ps": 100})
    qtbot.waitUntil(lambda: len(client.snapshot.queue) == 1, timeout=WAIT_MS)
    assert server.threads == {"queue server client"}
    assert threading.current_thread().name not in server.threads


def test_silence_is_shown_as_no_server_and_ends_when_it_answers_again(start: START, qtbot: QtBot) -> None:
    """An old state that looks live would let people press buttons of an engine that is gone."""
    server = FakeQueueServer()
    client = start(server)
    client.add("measure", {"edge": "Br K", "delay_ps": 100})
    qtbot.waitUntil(lambda: len(client.snapshot.queue) == 1, timeout=WAIT_MS)
    server.silent = True
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.NO_SERVER, timeout=WAIT_MS)
    assert "does not answer" in client.snapshot.remark
    assert client.snapshot.queue == ()
    with qtbot.waitSignal(client.failed, timeout=WAIT_MS) as failure:
        client.remove("item 1")
    assert "may or may not have been carried out" in failure.args[0]
    server.silent = False
    qtbot.waitUntil(lambda: len(client.snapshot.queue) == 1, timeout=WAIT_MS)
    assert client.snapshot.plans


def test_a_refusal_is_shown_in_the_servers_words(start: START, qtbot: QtBot) -> None:
    server = FakeQueueServer()
    client = start(server)
    server.refuse_next = "Parameter 'delay_ps' is required"
    with qtbot.waitSignal(client.failed, timeout=WAIT_MS) as failure:
        client.add("measure", {"edge": "Br K"})
    assert failure.args[0] == "Add to queue: Parameter 'delay_ps' is required"


def test_an_answer_of_another_kind_is_no_server(start: START, qtbot: QtBot) -> None:
    server = FakeQueueServer()
    client = start(server)
    server._status = lambda: {"manager_state": "idle", "plan_queue_uid": 99, "lock": 3}  # type: ignore[method-assign]
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.NO_SERVER, timeout=WAIT_MS)
    assert "unexpected answer" in client.snapshot.remark


@pytest.mark.parametrize(("action", "status"), [(Action.ABORT, "aborted"), (Action.STOP, "stopped")])
def test_stop_and_abort_pause_a_running_engine_first(start: START, qtbot: QtBot, action: Action, status: str) -> None:
    """The server refuses both while a plan runs: a person in a hurry must not have to know that."""
    server = FakeQueueServer()
    server.pause_when_asked = False
    client = start(server)
    client.add("measure", {"edge": "Br K", "delay_ps": 100})
    client.act(Action.START)
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.RUNNING, timeout=WAIT_MS)
    client.act(action)
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.PAUSING, timeout=WAIT_MS)
    with qtbot.waitSignal(client.done, timeout=WAIT_MS) as done:
        server.pause_takes_effect()
    assert done.args == [action.value]
    qtbot.waitUntil(lambda: len(client.snapshot.history) == 1, timeout=WAIT_MS)
    assert client.snapshot.history[0].status == status
    methods = [method for method, _ in server.requests]
    assert methods[-2:] == ["re_pause", f"re_{action.value.lower()}"]


def test_abort_does_not_wait_forever_for_a_pause(start: START, qtbot: QtBot) -> None:
    server = FakeQueueServer()
    server.pause_when_asked = False
    client = start(server, pause_timeout_s=0.1)
    client.add("measure", {"edge": "Br K", "delay_ps": 100})
    client.act(Action.START)
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.RUNNING, timeout=WAIT_MS)
    with qtbot.waitSignal(client.failed, timeout=WAIT_MS) as failure:
        client.act(Action.ABORT)
    assert "did not pause within 0.1 s" in failure.args[0]


def test_abort_of_a_plan_that_ends_meanwhile_does_not_hit_the_next_one(start: START, qtbot: QtBot) -> None:
    server = FakeQueueServer()
    server.pause_when_asked = False
    client = start(server)
    client.add("measure", {"edge": "Br K", "delay_ps": 100})
    client.add("measure", {"edge": "Br K", "delay_ps": 200})
    client.act(Action.START)
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.RUNNING, timeout=WAIT_MS)
    client.act(Action.ABORT)
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.PAUSING, timeout=WAIT_MS)
    with qtbot.waitSignal(client.failed, timeout=WAIT_MS) as failure:
        server.finish()
    assert server.running is not None
    assert "ended before it could be paused" in failure.args[0]
    assert "re_abort" not in [method for method, _ in server.requests]


def test_history_reports_why_a_plan_failed(start: START, qtbot: QtBot) -> None:
    server = FakeQueueServer()
    client = start(server)
    client.add("measure", {"edge": "Br K", "delay_ps": 100})
    client.act(Action.START)
    qtbot.waitUntil(lambda: client.snapshot.running is not None, timeout=WAIT_MS)
    server.finish("failed", "Plan failed:\nerrors.MotionError: The monochromator stopped short.\n")
    qtbot.waitUntil(lambda: len(client.snapshot.history) == 1, timeout=WAIT_MS)
    outcome = client.snapshot.history[0]
    assert (outcome.status, outcome.reason) == ("failed", "The monochromator stopped short.")
    assert outcome.scan_ids == (7,)
    assert outcome.run_uids == ("abc",)


def test_a_stopped_client_closes_the_connection(qtbot: QtBot) -> None:
    server = FakeQueueServer()
    client = QueueClient(server, poll_period_s=0.02)
    with qtbot.waitSignal(client.snapshot_changed, timeout=WAIT_MS):
        client.start()
    assert client.stop()
    assert server.closed
