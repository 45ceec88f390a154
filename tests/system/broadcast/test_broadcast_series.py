"""If these fail, a window that opens late shows the mean of fewer scans than one that was there all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broadcast.publisher import Publisher
from broadcast.relay import RelayAddresses
from broadcast.run_cache import KEPT_RUNS, RunCache
from broadcast.subscriber import Subscriber
from broadcast.wire import pack, unpack
from gui.live.run_state import RunState
from tests.support.live_runs import energy_run
from tests.support.stored_runs import StoredRuns
from tests.support.types import NamedDocument
from trxas.serve.journal_archive import JournalArchive

Until = Callable[[Callable[[], bool], str], None]
Documents = list[Any]


def run(uid: str, series: str, number: int) -> Documents:
    """A short run that began `number` minutes after the first."""
    documents = energy_run(uid, seed=number + 1, scans=1)
    documents[0][1]["series"] = series
    return [(name, {**doc, "time": doc["time"] + 60.0 * number}) for name, doc in documents]


def night() -> list[Documents]:
    """Three runs of series A, with others between them; the last one is open."""
    order = (("A1", "A"), ("C1", "C"), ("A2", "A"), ("B1", "B"), ("A3", "A"))
    runs = [run(uid, series, number) for number, (uid, series) in enumerate(order)]
    del runs[-1][20:]
    return runs


def uids(documents: Sequence[NamedDocument]) -> list[tuple[str, str]]:
    return [(name, doc["uid"]) for name, doc in documents]


def together(runs: Sequence[Documents]) -> Documents:
    return [document for one in runs for document in one]


@pytest.fixture
def listen(until: Until) -> Iterator[Callable[[Any, int], Documents]]:
    """`listen(addresses, number)` joins as a window does, and returns what came: `number` documents, and no more."""
    joined: list[Subscriber] = []

    def collect(addresses: Any, number: int) -> Documents:
        joined.append(Subscriber(addresses))
        return take(joined[-1], number, until)

    yield collect
    for subscriber in joined:
        subscriber.close()


def take(subscriber: Subscriber, number: int, until: Until) -> Documents:
    taken: Documents = []

    def came() -> bool:
        taken.extend(subscriber.take(0.05).documents)
        return len(taken) >= number

    until(came, f"{number} documents")
    for _ in range(20):
        taken.extend(subscriber.take(0.05).documents)
    assert subscriber.missed == 0
    return taken


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[JournalArchive]:
    """The journals of the night."""
    stored = StoredRuns(tmp_path)
    for documents in night():
        stored.write(documents)
    yield JournalArchive(tmp_path)
    stored.close()


def test_who_comes_late_has_the_series_and_the_run_before(
    start_relay: Any, listen: Callable[[Any, int], Documents], until: Until
) -> None:
    """All of its runs in order, with others between them; and the same sums as a window that was there all the time."""
    runs = night()
    wanted = together([runs[0], *runs[2:]])
    with start_relay() as relay:
        publisher = Publisher(relay.addresses.publish)
        for name, doc in together(runs):
            publisher(name, doc)
        early = listen(relay.addresses, 1)
        until(lambda: relay.cache.run == "A3" and len(relay.cache.after(0, 10_000)[0]) == len(wanted), "all")
        late = listen(relay.addresses, len(wanted))
        publisher.close()
    assert uids(late) == uids(wanted)
    states = [RunState(), RunState()]
    for state, documents in zip(states, (together(runs), late), strict=True):
        for name, doc in documents:
            state(name, doc)
    assert early
    assert len(states[0].series) == 2
    sums = [state.within("series") for state in states]
    np.testing.assert_array_equal(sums[0].counts, sums[1].counts)


def test_a_relay_that_comes_late_has_the_series_too(
    start_relay: Any, listen: Callable[[Any, int], Documents], archive: JournalArchive
) -> None:
    """From the journals: a relay that was killed has forgotten everything."""
    runs = night()
    wanted = together([runs[0], runs[2], runs[4]])
    with start_relay(archive=archive) as relay:
        assert uids(listen(relay.addresses, len(wanted))) == uids(wanted)


def test_an_earlier_subscriber_gets_nothing_twice_from_a_new_relay(
    start_relay: Any, archive: JournalArchive, until: Until
) -> None:
    """Lost: trust in a window that shows an old run for a moment whenever the server is started again."""
    place: list[RelayAddresses] = []
    subscriber = Subscriber(lambda: place[-1] if place else None)
    number = len(together(night())) - len(night()[1]) - len(night()[3])
    with start_relay(archive=archive) as relay:
        place.append(relay.addresses)
        take(subscriber, number, until)
    until(lambda: not subscriber.take(0.05).documents and not subscriber.answers, "the relay's end")
    with start_relay(archive=archive) as relay:
        place.append(relay.addresses)
        until(lambda: not subscriber.take(0.05).documents and subscriber.answers, "the new relay")
        assert take(subscriber, 0, until) == []
    subscriber.close()


def test_a_series_that_was_interrupted_for_long_is_complete_again(
    start_relay: Any, listen: Callable[[Any, int], Documents], archive: JournalArchive
) -> None:
    """The relay was started during another series: the runs of this one it has never heard of."""
    runs = night()
    with start_relay(archive=_ArchiveWithNothingNew(archive)) as relay:
        publisher = Publisher(relay.addresses.publish)
        for name, doc in runs[-1]:
            publisher(name, doc)
        wanted = together([runs[0], runs[2], runs[4]])
        assert uids(listen(relay.addresses, len(wanted))) == uids(wanted)
        publisher.close()


class _ArchiveWithNothingNew:
    """The journals as they were before the first run."""

    def __init__(self, archive: JournalArchive) -> None:
        self.of_series, self.load = archive.of_series, archive.load

    def newest(self) -> str | None:
        return None


def test_memory_is_bounded_and_the_newest_runs_are_kept() -> None:
    cache, size = RunCache(1_000_000, limit_bytes=10**9), len(run("x", "A", 0))
    for number in range(KEPT_RUNS + 3):
        for name, doc in run(f"r{number}", "A", number):
            cache.add(name, doc, pack(doc))
    documents, more = cache.after(0, 10**6, joining=True)
    starts = [unpack(document.payload)["uid"] for document in documents if document.name == "start"]
    assert starts == [f"r{number}" for number in range(3, KEPT_RUNS + 3)]
    assert not more
    assert not cache.put_before(run("older", "A", 0))
    small = RunCache(1_000_000, limit_bytes=sum(len(pack(doc)) for _, doc in run("x", "A", 0)) * 3 // 2)
    for number in range(3):
        for name, doc in run(f"r{number}", "A", number):
            small.add(name, doc, pack(doc))
    kept, _ = small.after(0, 10**6)
    assert [document.sequence for document in kept] == list(range(small.sequence - size + 1, small.sequence + 1))
    assert not small.put_before(run("older", "A", 0))
    assert small.dropped == 0
