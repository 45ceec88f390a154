"""If these fail, sessions and windows do not find the relay, or find one that has gone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import pytest

from broadcast.publisher import Publisher
from broadcast.relay import Relay
from broadcast.subscriber import Subscriber
from tests.support.live_runs import energy_run
from tests.support.waiting import WAIT_S, until
from trxas.announcements.server_file import AlreadyServedError, ServeLock, ServeState, read_state, write_state
from trxas.session.publishing import publish
from trxas.session.remote_control import RemotelyPausableEngine

HOLD = "import sys; from pathlib import Path; from trxas.announcements.server_file import ServeLock; "
HOLD += "lock = ServeLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


def state(relay: Relay) -> ServeState:
    return ServeState(
        pid=1,
        started_s=0.0,
        relay=relay.addresses,
        queue_control="tcp://a",
        queue_key="secret b",
        redis="c",
        epics="d",
        tiled="http://e",
        tiled_key="secret e",
    )


def test_addresses_are_there_only_as_long_as_somebody_serves(tmp_path: Path, start_relay: Any) -> None:
    with start_relay() as relay:
        assert read_state(tmp_path) is None
        lock = ServeLock(tmp_path)
        assert read_state(tmp_path) is None
        path = write_state(tmp_path, state(relay))
        assert read_state(tmp_path) == state(relay)
        assert path.stat().st_mode & 0o077 == 0
        assert "secret" not in state(relay).public()
        lock.release()
        assert read_state(tmp_path) is None
        lock = ServeLock(tmp_path)
        (tmp_path / "serve.json").write_text('{"pid": 1}')
        assert read_state(tmp_path) is None
        lock.release()


def test_what_a_killed_server_left_is_not_believed(tmp_path: Path, start_relay: Any) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with start_relay() as relay:
            write_state(tmp_path, state(relay))
            with pytest.raises(AlreadyServedError, match=f"process {holder.pid} since"):
                ServeLock(tmp_path)
            assert read_state(tmp_path) == state(relay)
            holder.kill()
            holder.wait(WAIT_S)
            assert read_state(tmp_path) is None
    ServeLock(tmp_path).release()


def test_a_session_publishes_to_whoever_serves_its_folder_by_then(
    tmp_path: Path, start_relay: Any, until: Callable[[Callable[[], bool], str], None]
) -> None:
    engine = RemotelyPausableEngine({})
    publisher = publish(engine, tmp_path)
    engine(_short_run())
    lock = ServeLock(tmp_path)
    with start_relay() as relay:
        write_state(tmp_path, state(relay))
        subscriber = Subscriber(relay.addresses)
        received: list[str] = []
        until(lambda: not subscriber.take(0.05).documents and subscriber.session_silent_s is not None, "the session")
        (uid,) = engine(_short_run())

        def heard_a_run() -> bool:
            received.extend(doc["uid"] for _, doc in subscriber.take(0.05).documents)
            return len(received) > 1

        until(heard_a_run, "a run")
        subscriber.close()
        assert received[0] == uid
        assert len(received) == 2
        began = time.monotonic()
        publisher.close()
        assert time.monotonic() - began < WAIT_S / 4
    lock.release()


def test_what_was_sent_last_arrives_at_a_relay_that_is_slow_to_answer(start_relay: Any) -> None:
    """Lost: the end of a run, for every window, until the next session: the session left before the relay took it."""
    with start_relay() as relay:
        addresses = relay.addresses
    leaving, asked_last = threading.Event(), threading.Event()

    def address() -> str:
        if leaving.is_set():
            asked_last.set()
        return str(addresses.publish)

    documents = energy_run()
    publisher = Publisher(address)
    for name, doc in documents:
        publisher(name, doc)
    leaving.set()
    end = threading.Thread(target=publisher.close)
    end.start()
    until(asked_last.is_set, "the last round")
    port = int(addresses.publish.rpartition(":")[2])
    with start_relay(ports=(port, 0, 0)) as relay:
        end.join(WAIT_S)
        subscriber = Subscriber(relay.addresses)
        came: list[Any] = []
        until(lambda: came.extend(subscriber.take(0.05).documents) or len(came) >= len(documents), "the run")  # type: ignore[func-returns-value]
        assert [(name, doc["uid"]) for name, doc in came] == [(name, doc["uid"]) for name, doc in documents]
        subscriber.close()


def _short_run() -> Any:
    yield from bps.open_run()
    yield from bps.close_run()
