"""If these fail, a window lacks points, shows them twice, or an acquisition waits for a window."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import pytest
import zmq
from bluesky import RunEngine
from bluesky.callbacks.zmq import RemoteDispatcher

from broadcast.publisher import Publisher
from broadcast.relay import AT_ONCE, QUEUED_FOR_A_WINDOW, Relay, RelayAddresses
from broadcast.subscriber import Subscriber
from broadcast.wire import unpack
from gui.live.broadcast_feed import BroadcastFeed
from tests.support.live_runs import energy_run
from tests.support.types import NamedDocument
from tests.support.waiting import WAIT_S

Until = Callable[[Callable[[], bool], str], None]
OpenWindow = Callable[[Relay], "Window"]


class Window:
    """Collects what a subscriber delivers; the fixture `open_window` closes it."""

    def __init__(self, addresses: RelayAddresses) -> None:
        self.subscriber = Subscriber(addresses)
        self.documents: list[Any] = []
        self.lags_s: list[float] = []

    def take(self, number: int) -> None:
        deadline = time.monotonic() + WAIT_S
        while len(self.documents) < number:
            assert time.monotonic() < deadline, f"{len(self.documents)} of {number} documents came"
            delivery = self.subscriber.take(0.05)
            self.documents += delivery.documents
            if delivery.lag_s is not None:
                self.lags_s.append(delivery.lag_s)

    def nothing_more(self) -> None:
        """Two rounds of questions and answers bring nothing."""
        deadline = time.monotonic() + 1.2
        while time.monotonic() < deadline:
            assert self.subscriber.take(0.05).documents == []


def plain(documents: Sequence[NamedDocument]) -> list[tuple[str, str]]:
    return [(name, doc["uid"]) for name, doc in documents]


class Archive:
    """Runs by uid, as the journal would have them."""

    def __init__(self) -> None:
        self.runs: dict[str, list[NamedDocument]] = {}

    def newest(self) -> str | None:
        return next(reversed(self.runs), None)

    def of_series(self, series: str) -> list[str]:
        return [uid for uid, documents in self.runs.items() if documents[0][1]["series"] == series]

    def load(self, uid: str) -> list[NamedDocument]:
        return self.runs[uid]


@pytest.fixture
def open_window() -> Iterator[Callable[[Relay], Window]]:
    """`open_window(relay)` joins it."""
    with contextlib.ExitStack() as stack:

        def join(relay: Relay) -> Window:
            window = Window(relay.addresses)
            stack.callback(window.subscriber.close)
            return window

        yield join


@pytest.fixture
def publisher_to() -> Any:
    """`publisher_to(relay)` makes publishers that are closed at the end."""
    made: list[Publisher] = []

    def make(relay: Relay, **settings: Any) -> Publisher:
        made.append(Publisher(relay.addresses.publish, **settings))
        return made[-1]

    yield make
    for publisher in made:
        publisher.close()


def test_documents_arrive_once_in_order_and_equal(start_relay: Any, open_window: OpenWindow, publisher_to: Any) -> None:
    documents = energy_run()
    with start_relay() as relay:
        publisher, window = publisher_to(relay), open_window(relay)
        for name, doc in documents:
            publisher(name, doc)
        window.take(len(documents))
        window.nothing_more()
        assert plain(window.documents) == plain(documents)
        assert window.documents[5][1]["data"]["spc_counts"] == documents[5][1]["data"]["spc_counts"].tolist()
        assert window.subscriber.missed == 0
        assert window.subscriber.answers
        assert window.subscriber.session_silent_s is not None


def test_whoever_joins_in_the_middle_gets_the_run_from_its_start(
    start_relay: Any, open_window: OpenWindow, publisher_to: Any
) -> None:
    before, documents = energy_run("a"), energy_run("b", scans=20)
    with start_relay() as relay:
        publisher, early = publisher_to(relay), open_window(relay)
        for name, doc in [*before, *documents[:700]]:
            publisher(name, doc)
        early.take(len(before) + 700)
        late = open_window(relay)
        late.take(len(before) + 700)
        assert late.lags_s == []
        for name, doc in documents[700:]:
            publisher(name, doc)
        for window in (early, late):
            window.take(len(before) + len(documents))
            assert plain(window.documents) == plain([*before, *documents])


def test_a_publisher_faster_than_the_window_loses_nothing(
    start_relay: Any, open_window: OpenWindow, publisher_to: Any, until: Until
) -> None:
    """The relay's queue for a window overflows; what it dropped is asked for again."""
    documents = energy_run(scans=200)
    assert len(documents) > 2 * QUEUED_FOR_A_WINDOW + AT_ONCE
    with start_relay() as relay:
        window = open_window(relay)
        until(lambda: window.subscriber.take(0.01).documents == [] and window.subscriber.answers, "the relay")
        publisher = publisher_to(relay)
        for name, doc in documents:
            publisher(name, doc)
        until(lambda: relay.cache.run == "" and relay.cache.sequence > relay.cache.first, "the end of the run")
        window.take(len(documents))
        window.nothing_more()
        assert plain(window.documents) == plain(documents)
        assert window.subscriber.missed == 0


def test_what_the_wire_lost_comes_from_the_archive(start_relay: Any, open_window: OpenWindow, until: Until) -> None:
    """A publisher whose queue overflowed while no relay was there, in the middle of a run."""
    documents, archive = energy_run(), Archive()
    place: list[str] = []
    publisher = Publisher(lambda: place[0] if place else None, capacity=10)
    archive.runs["energy-1"] = documents[:100]
    for name, doc in documents[:100]:
        publisher(name, doc)
    with start_relay(archive=archive) as relay:
        window = open_window(relay)
        window.take(100)
        place.append(relay.addresses.publish)
        until(lambda: window.subscriber.take(0.01).documents == [] and bool(window.subscriber.session_silent_s), "it")
        archive.runs["energy-1"] = documents
        for name, doc in documents[100:]:
            publisher(name, doc)
        window.take(len(documents))
        window.nothing_more()
        assert plain(window.documents) == plain(documents)
        assert (relay.lost, window.subscriber.missed) == (0, 0)
    publisher.close()


def test_without_an_archive_losses_are_counted(start_relay: Any, open_window: OpenWindow, until: Until) -> None:
    documents = energy_run()
    place: list[str] = []
    publisher = Publisher(lambda: place[0] if place else None)
    with start_relay() as relay:
        window = open_window(relay)
        place.append(relay.addresses.publish)
        for name, doc in documents[:10]:
            publisher(name, doc)
        window.take(10)
        for number in range(10, len(documents)):
            if not 20 <= number < 30:
                publisher(*documents[number])
            else:
                publisher._number += 1  # as if the wire had lost it
        window.take(len(documents) - 10)
        until(lambda: window.subscriber.take(0.01).documents == [] and window.subscriber.missed == 10, "the count")
    publisher.close()


def test_the_end_of_a_run_that_was_lost_is_fetched(
    start_relay: Any, open_window: OpenWindow, publisher_to: Any
) -> None:
    """Nothing follows a lost stop document; without the heartbeat the run would look open forever."""
    documents, archive = energy_run(), Archive()
    with start_relay(archive=archive) as relay:
        publisher, window = publisher_to(relay), open_window(relay)
        archive.runs["energy-1"] = documents
        for name, doc in documents[:-3]:
            publisher(name, doc)
        publisher._number += 3
        publisher._run = "-"
        window.take(len(documents))
        assert plain(window.documents) == plain(documents)


def test_a_publisher_never_waits_and_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens: 10 000 documents must still pass at the pace of a scan."""
    publisher = Publisher("tcp://127.0.0.1:1", capacity=1000)
    _, doc = energy_run()[5]
    began = time.monotonic()
    for _ in range(10_000):
        publisher("event", doc)
    assert (time.monotonic() - began) / 10_000 < 2e-3
    assert len(publisher._waiting) <= 1001
    publisher("event", {"uid": "x", "data": object()})
    assert "could not be published" in caplog.text
    began = time.monotonic()
    publisher.close()
    assert time.monotonic() - began < WAIT_S / 4


def test_a_stock_dispatcher_can_listen(start_relay: Any, publisher_to: Any, until: Until) -> None:
    """bluesky's own RemoteDispatcher, told to read msgpack."""
    received: list[Any] = []
    with start_relay() as relay:
        dispatcher = RemoteDispatcher(relay.addresses.subscribe.removeprefix("tcp://"), deserializer=unpack)
        dispatcher.subscribe(lambda name, doc: received.append((name, doc)))
        thread = threading.Thread(target=_run_until_stopped, args=(dispatcher,))
        thread.start()
        publisher = publisher_to(relay)

        # A SUB socket misses what is sent before it has joined: this start is its sign of having done so.
        def greeted() -> bool:
            publisher("start", {"uid": str(time.monotonic_ns()), "time": 0.0})
            return bool(received)

        until(greeted, "the dispatcher")
        engine = RunEngine({})
        engine.subscribe(publisher)
        engine(_short_run())
        until(lambda: received[-1][0] == "stop", "the stop document")
        dispatcher.loop.call_soon_threadsafe(dispatcher._task.cancel)  # type: ignore[attr-defined]
        thread.join(WAIT_S)
    names = [name for name, _ in received]
    assert names[-1] == "stop"
    assert names[-3:-1] == ["start", "start"] or names[-2] == "start"


def _run_until_stopped(dispatcher: RemoteDispatcher) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        dispatcher.start()


def _short_run() -> Any:
    yield from bps.open_run()
    yield from bps.close_run()


def test_the_feed_tells_a_silent_relay_and_a_dead_session(start_relay: Any, until: Until) -> None:
    """A number whose source has gone must not look live."""
    documents = energy_run()
    with start_relay() as relay:
        feed = BroadcastFeed(relay.addresses)
        assert not feed.state.connected
        feed.open()
        publisher = Publisher(relay.addresses.publish)
        for name, doc in documents[:10]:
            publisher(name, doc)
        taken: list[Any] = []
        until(lambda: taken.extend(feed.take(0.01)) or len(taken) == 10, "documents")  # type: ignore[func-returns-value]
        until(lambda: not feed.take(0.01) and feed.state.remark == "", "a sign of the session")
        assert feed.state.connected
        assert feed.state.last_document_at is not None
        publisher.close()
        until(lambda: not feed.take(0.01) and not feed.state.connected, "the session's silence")
        assert "No session" in feed.state.remark
    until(lambda: not feed.take(0.01) and "relay does not answer" in feed.state.remark, "the relay's silence")
    assert not feed.state.connected
    feed.close()


def test_nonsense_on_the_wire_ends_nothing(start_relay: Any, open_window: OpenWindow, publisher_to: Any) -> None:
    documents = energy_run()
    with start_relay() as relay:
        with zmq.Context() as context:
            sender, asker = context.socket(zmq.PUSH), context.socket(zmq.DEALER)
            sender.connect(relay.addresses.publish)
            asker.connect(relay.addresses.ask)
            for nonsense in (b"", b"a b c d e f", b"a 1 run event \xc1", b"a 2 run event \x90"):
                sender.send(nonsense)
                asker.send(nonsense)
            asker.send_multipart([b"a", b"b", b"c"])
            publisher, window = publisher_to(relay), open_window(relay)
            for name, doc in documents:
                publisher(name, doc)
            window.take(len(documents))
            for socket in (sender, asker):
                socket.close(0)
        assert plain(window.documents) == plain(documents)
