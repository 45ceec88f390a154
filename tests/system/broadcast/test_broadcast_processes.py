"""If these fail, a relay or a window that is killed costs points, or shows them twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broadcast.publisher import Publisher
from broadcast.subscriber import Subscriber
from storage.journal import Journal
from tests.support.live_runs import energy_run
from tests.support.types import NamedDocument
from tests.support.waiting import WAIT_S

Until = Callable[[Callable[[], bool], str], None]

WINDOW = """
import json, sys
from broadcast.relay import RelayAddresses
from broadcast.subscriber import Subscriber
subscriber = Subscriber(RelayAddresses(**json.loads(sys.argv[1])))
while True:
    for name, doc in subscriber.take(0.1).documents:
        print(name, doc["uid"], flush=True)
"""


class Session:
    """Acquires at a steady pace on a thread: journal first, then the wire, as a session does."""

    def __init__(self, data: Path, documents: list[Any], publish: str, pace_s: float) -> None:
        self._journal, self._publisher = Journal(data), Publisher(publish)
        self._documents, self._pace_s = documents, pace_s
        self.publishing_s = 0.0
        self.acquired = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for name, doc in self._documents:
            began = time.monotonic()
            self._journal(name, doc)
            journalled = time.monotonic()
            self._publisher(name, doc)
            self.publishing_s += time.monotonic() - journalled
            self.acquired += 1
            if self._stop.wait(max(0.0, began + self._pace_s - time.monotonic())):
                return

    def close(self) -> None:
        self._stop.set()
        self._thread.join(WAIT_S)
        self._publisher.close()
        self._journal.close()


StartSession = Callable[..., Session]


@pytest.fixture
def start_session(relay_process: Any) -> Iterator[StartSession]:
    sessions: list[Session] = []

    def start(documents: list[Any], pace_s: float) -> Session:
        sessions.append(Session(relay_process.data, documents, relay_process.addresses.publish, pace_s))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()


def uids(documents: list[NamedDocument]) -> list[tuple[str, str]]:
    return [(name, doc["uid"]) for name, doc in documents]


def test_a_relay_killed_in_the_middle_of_a_run_costs_nothing(
    relay_process: Any, start_session: StartSession, until: Until
) -> None:
    """Killed three times, each time with documents under way; the journal has what is lost with it."""
    documents = energy_run(scans=20)
    subscriber = Subscriber(relay_process.addresses)
    received: list[Any] = []
    session = start_session(documents, 0.005)
    try:
        for events in (100, 300, 500):
            until(lambda: received.extend(subscriber.take(0.01).documents) or session.acquired >= events, "events")  # type: ignore[func-returns-value]  # noqa: B023
            relay_process.kill()
            until(lambda: session.acquired >= events + 50, "events without a relay")  # noqa: B023
            relay_process.start()
        until(lambda: received.extend(subscriber.take(0.01).documents) or received[-1][0] == "stop", "the stop")  # type: ignore[func-returns-value]
        assert uids(received) == uids(documents)
        assert subscriber.missed == 0
        late = Subscriber(relay_process.addresses)
        again: list[Any] = []
        until(lambda: again.extend(late.take(0.05).documents) or len(again) >= len(documents), "the run once more")  # type: ignore[func-returns-value]
        assert uids(again) == uids(documents)
        late.close()
    finally:
        subscriber.close()


def test_a_relay_started_late_tells_the_run_from_its_start(
    relay_process: Any, start_session: StartSession, until: Until
) -> None:
    documents = energy_run()
    relay_process.kill()
    session = start_session(documents, 0.001)
    until(lambda: session.acquired == len(documents), "the run")
    relay_process.start()
    subscriber = Subscriber(relay_process.addresses)
    received: list[Any] = []
    until(lambda: received.extend(subscriber.take(0.05).documents) or len(received) >= len(documents), "it all")  # type: ignore[func-returns-value]
    assert uids(received) == uids(documents)
    subscriber.close()


LIVES = 8


@pytest.mark.long
def test_a_window_killed_again_and_again_sees_every_point_and_nobody_notices(
    relay_process: Any, start_session: StartSession, until: Until
) -> None:
    documents = energy_run(scans=40)
    addresses = json.dumps(vars(relay_process.addresses))
    session = start_session(documents, 0.01)
    for number in range(LIVES + 1):
        acquired = session.acquired
        command = [sys.executable, "-c", WINDOW, addresses]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as window:
            assert window.stdout is not None
            wanted = len(documents) if number == LIVES else max(1, acquired)
            lines = [tuple(window.stdout.readline().split()) for _ in range(wanted)]
            window.kill()
        assert lines == uids(documents)[:wanted]
    assert session.acquired == len(documents)
    assert session.publishing_s / len(documents) < 2e-3
