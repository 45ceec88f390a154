"""If these fail, a run whose session died looks open forever in every window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from broadcast.publisher import Publisher
from broadcast.subscriber import Subscriber
from tests.support.live_runs import energy_run
from tests.support.types import NamedDocument
from tests.support.waiting import WAIT_S

Until = Callable[[Callable[[], bool], str], None]


class Journals:
    """Runs as recovery leaves them: with an end."""

    def __init__(self) -> None:
        self.runs: dict[str, list[NamedDocument]] = {}

    def newest(self) -> str | None:
        return None

    def of_series(self, series: str) -> list[str]:
        return []

    def load(self, uid: str) -> list[NamedDocument]:
        return self.runs.get(uid, [])


@pytest.fixture
def names(until: Until) -> Callable[[Subscriber, int], list[tuple[str, str]]]:
    """`names(subscriber, number)` waits for that number of documents."""

    def collect(subscriber: Subscriber, number: int) -> list[tuple[str, str]]:
        taken: list[Any] = []
        until(lambda: taken.extend(subscriber.take(0.05).documents) or len(taken) >= number, f"{number} documents")  # type: ignore[func-returns-value]
        return [(name, doc["uid"]) for name, doc in taken]

    return collect


def start_and_die(publish: str, documents: list[NamedDocument]) -> None:
    publisher = Publisher(publish)
    for name, doc in documents[:50]:
        publisher(name, doc)
    publisher.close()


def test_the_next_session_ends_the_run_of_a_dead_one(start_relay: Any, names: Any) -> None:
    """It measures nothing yet; its signs of life say that no run is open."""
    documents, journals = energy_run(), Journals()
    with start_relay(archive=journals) as relay:
        subscriber = Subscriber(relay.addresses)
        start_and_die(relay.addresses.publish, documents)
        assert len(names(subscriber, 50)) == 50
        journals.runs["energy-1"] = [*documents[:50], documents[-1]]
        following = Publisher(relay.addresses.publish)
        assert names(subscriber, 1) == [("stop", "energy-1-stop")]
        following.close()
        subscriber.close()


def test_the_next_run_comes_after_the_end_of_the_one_before(start_relay: Any, names: Any) -> None:
    """Lost: the status of the interrupted run, and the last exposures that the wire never saw."""
    documents, journals = energy_run(), Journals()
    with start_relay(archive=journals) as relay:
        subscriber = Subscriber(relay.addresses)
        start_and_die(relay.addresses.publish, documents)
        assert len(names(subscriber, 50)) == 50
        journals.runs["energy-1"] = [*documents[:55], documents[-1]]
        began = threading.Event()
        following = Publisher(lambda: relay.addresses.publish if began.wait(WAIT_S) else None)
        for name, doc in energy_run("energy-2")[:3]:
            following(name, doc)
        # Its first sign of life is the start document.
        began.set()
        came = names(subscriber, 9)
        assert came[:6] == [(name, doc["uid"]) for name, doc in [*documents[50:55], documents[-1]]]
        assert came[6] == ("start", "energy-2")
        following.close()
        subscriber.close()
