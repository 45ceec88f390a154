"""Chains: an interrupted run and the runs that resumed it, read as one run.

The start document of a resuming run holds the uid of the run that it `resumes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from errors import StorageError
from reduction.events import PrimaryEvents
from storage.journal import journal_paths, uid_of
from storage.records import read_start
from storage.runs import read_run
from storage.stored_run import StoredRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from storage.documents import Document, NamedDocument
    from storage.runs import RunKey, RunSource

Exposure = tuple[int, int, int]
"""Key of an exposure within its run: scan index, point index, laser shutter (1 open, 0 closed)."""


def load_chain(store: RunSource, key: RunKey) -> list[Sequence[NamedDocument]]:
    """Return the documents of every run of the chain to which `key` (see `load_run`) belongs, the first run first.

    A run that was never resumed is a chain of one. Runs of more than 64 MB are read again whenever they are looked
    through. Raises `StorageError` if no run or several fit.
    """
    start = read_run(store, key)[0][1]
    parents = _parents(store)
    parents[start["uid"]] = str(start.get("resumes", ""))
    first = _first_of(parents, start["uid"])
    members = [uid for uid in parents if _first_of(parents, uid) == first]
    runs = [read_run(store, uid) for uid in members]
    # Scan ids only grow, whatever the clock does; the first run has none above it.
    return sorted(runs, key=lambda run: (run[0][1]["uid"] != first, run[0][1].get("scan_id", 0), run[0][1]["time"]))


def load_dataset(store: RunSource, key: RunKey) -> Sequence[NamedDocument]:
    """Return the chain to which `key` belongs as one run: what an undisturbed run would hold, and nothing else.

    Start document of the first run, events of all in order, stop document of the last. Raises `StorageError` as
    `load_chain` does.
    """
    chain = load_chain(store, key)
    if len(chain) == 1:
        return chain[0]
    if any(isinstance(run, StoredRun) for run in chain):
        return StoredRun(lambda: _merged(chain))
    return merged(chain)


def merged(chain: Sequence[Sequence[NamedDocument]]) -> list[NamedDocument]:
    """Return the documents of several runs as one run: the first start, all events, a stop if the last run has ended.

    Events keep their uids and data; their numbers continue per stream. Raises KeyError for an event without descriptor.
    """
    return list(_merged(chain))


def _merged(chain: Sequence[Sequence[NamedDocument]]) -> Iterator[NamedDocument]:
    start = chain[0][0][1]
    yield "start", start
    numbers: dict[str, int] = {}
    for run in chain:
        yield from _renumbered(run, start["uid"], numbers)
    name, last = chain[-1][-1]
    if name == "stop":
        yield "stop", {**last, "run_start": start["uid"], "num_events": numbers}


def good_exposures(documents: Iterable[NamedDocument]) -> list[Exposure]:
    """Return the exposures that were measured with good quality, one entry per event, in order.

    Each is (scan, point, shutter) with the shutter 0 or 1. Events without a `laser_shutter` count as shutter open;
    events without the indices of a scan do not count.
    """
    return [exposure_of(data) for data in primary_data(documents) if _is_good(data)]


def primary_data(documents: Iterable[NamedDocument]) -> Iterator[Mapping[str, Any]]:
    """Yield the data of each event of the primary stream, whether events come one by one or in pages."""
    primary = PrimaryEvents()
    for name, doc in documents:
        for event in primary(name, doc):
            yield event["data"]


def exposure_of(data: Mapping[str, Any]) -> Exposure:
    """Return the exposure of an event's `data`; raises KeyError if they lack the indices of a scan."""
    return int(data["scan_index"]), int(data["point_index"]), int(data.get("laser_shutter", 1))


def find_starts(store: RunSource, **metadata: Any) -> list[Document]:
    """Return the start documents of the journals that have all these `metadata`, oldest first.

    Journals without a readable start are skipped.
    """
    starts = [start for path in journal_paths(store.root) if (start := _start(path)) is not None]
    return [start for start in starts if metadata.items() <= {key: start.get(key) for key in metadata}.items()]


def _is_good(data: Mapping[str, Any]) -> bool:
    return "scan_index" in data and "point_index" in data and not data.get("quality")


def _parents(store: RunSource) -> dict[str, str]:
    """Return the uid of the run that each run resumes, "" for none."""
    parents = {uid_of(path): _start(path) for path in journal_paths(store.root)}
    return {uid: str(start.get("resumes", "")) for uid, start in parents.items() if start is not None}


def _start(path: Path) -> Document | None:
    try:
        return read_start(path)
    except StorageError:
        # A journal without a readable beginning belongs to no chain; `runs check` reports it.
        return None


def _first_of(parents: Mapping[str, str], uid: str) -> str:
    seen = {uid}
    # A parent that is not stored here ends the chain. A circle should never arise, but would loop forever.
    while (parent := parents.get(uid, "")) and parent in parents and parent not in seen:
        uid = parent
        seen.add(uid)
    return uid


def _renumbered(run: Sequence[NamedDocument], uid: str, numbers: dict[str, int]) -> Iterator[NamedDocument]:
    streams: dict[str, str] = {}
    for name, doc in run:
        if name in ("start", "stop"):
            continue
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
            numbers.setdefault(doc["name"], 0)
        if name in ("event", "event_page"):
            yield name, _numbered_on(name, doc, streams[doc["descriptor"]], numbers)
        else:
            yield name, {**doc, "run_start": uid} if "run_start" in doc else doc


def _numbered_on(name: str, doc: Document, stream: str, numbers: dict[str, int]) -> Document:
    first = numbers.get(stream, 0) + 1
    count = len(doc["seq_num"]) if name == "event_page" else 1
    numbers[stream] = first + count - 1
    return {**doc, "seq_num": list(range(first, first + count)) if name == "event_page" else first}
