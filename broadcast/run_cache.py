"""The documents of the latest runs, for subscribers that join late."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from broadcast.wire import Relayed, identity, pack

LIMIT_BYTES = 200_000_000
"""Memory for documents: at 1 kB each, 200 000 exposures. Beyond, the oldest runs go first, then the oldest events."""

KEPT_RUNS = 33
"""Largest number of runs in the cache: the latest, and 32 earlier ones of its series, as many as a window shows."""

_HEAD = ("start", "descriptor", "resource", "stream_resource")


@dataclass(kw_only=True)
class _Run:
    """Documents of one run, in the order of their numbers."""

    series: str = ""
    documents: list[Relayed] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    size: int = 0

    def append(self, key: str, relayed: Relayed) -> None:
        self.known.add(key)
        self.documents.append(relayed)
        self.size += len(relayed.payload)

    def after(self, sequence: int) -> Iterator[Relayed]:
        begin = bisect_right(self.documents, sequence, key=lambda document: document.sequence)
        return islice(self.documents, begin, None)

    def thin(self) -> int:
        """Drop the oldest tenth of the documents, and return how many.

        Start, descriptors and resources stay: without them the later events mean nothing. A tenth at a time, because
        dropping single documents would copy the list for each.
        """
        others = [index for index, document in enumerate(self.documents) if document.name not in _HEAD]
        leaving = set(others[: max(1, len(others) // 10)])
        self.documents = [document for index, document in enumerate(self.documents) if index not in leaving]
        self.size = sum(len(document.payload) for document in self.documents)
        return len(leaving)


class RunCache:
    """Cache that numbers documents in order of arrival and holds those of the latest runs.

    `sequence` is the number of the latest document; the next one gets the number after it. `run` is the uid of the
    open run, "" between runs. `dropped` counts documents of the latest run that did not fit into memory.
    """

    # Invariants: the numbers ascend through all runs, so `after` is a binary search per run; a document is in the cache
    # at most once, by its identity, however often it is sent or fetched; runs that are put before the others get
    # numbers below all present ones, so subscribers that have joined never see them.

    def __init__(self, sequence: int, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.sequence = sequence
        self.run = ""
        self.dropped = 0
        self._limit = limit_bytes
        self._runs: list[_Run] = []

    def add(self, name: str, doc: Mapping[str, Any], payload: bytes) -> Relayed | None:
        """Add a document and return it with its number; None if it is known already, or if no run has begun.

        `payload` is the document as bytes, as it goes out again.
        """
        key = identity(name, doc)
        if any(key in run.known for run in self._runs):
            return None
        if name == "start":
            self._begin(doc)
        elif not self._runs:
            return None
        elif name == "stop" and doc.get("run_start") == self.run:
            self.run = ""
        self.sequence += 1
        relayed = Relayed(self.sequence, name, payload)
        self._runs[-1].append(key, relayed)
        self._shrink()
        return relayed

    def has_earlier_of(self, series: str) -> bool:
        """Return whether the cache holds an earlier run of the series, before the latest run."""
        return any(run.series == series for run in self._runs[:-1])

    def put_before(self, documents: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
        """Insert a whole run before all others, as if it had arrived first; return False if it exceeds runs or bytes.

        Raises IndexError without documents.
        """
        run = _Run(series=str(documents[0][1].get("series") or ""))
        number = self.first - len(documents)
        for name, doc in documents:
            run.append(identity(name, doc), Relayed(number, name, pack(doc)))
            number += 1
        if self._size + run.size > self._limit or len(self._runs) >= KEPT_RUNS:
            return False
        self._runs.insert(0, run)
        return True

    def after(self, sequence: int, limit: int, *, joining: bool = False) -> tuple[list[Relayed], bool]:
        """Return at most `limit` documents with numbers above `sequence`, in order, and whether there are more.

        A subscriber that is `joining` gets the latest run, the previous one, and those of its series, but no others.
        """
        runs: Iterable[_Run] = self._wanted_by_a_newcomer() if joining else self._runs
        documents = list(islice((document for run in runs for document in run.after(sequence)), limit + 1))
        return documents[:limit], len(documents) > limit

    @property
    def first(self) -> int:
        """Number of the oldest document in the cache, or of the next one if it is empty."""
        return next((run.documents[0].sequence for run in self._runs if run.documents), self.sequence + 1)

    @property
    def _size(self) -> int:
        return sum(run.size for run in self._runs)

    def _wanted_by_a_newcomer(self) -> list[_Run]:
        series = self._runs[-1].series if self._runs else ""
        return [run for run in self._runs[:-2] if series and run.series == series] + self._runs[-2:]

    def _begin(self, start: Mapping[str, Any]) -> None:
        # No subscriber asks for runs other than the latest two and their series. A series is dropped as a whole: when
        # it is continued later, nothing of it is here, and all of it is read from the journals.
        series = str(start.get("series") or "")
        wanted = {series, *(run.series for run in self._runs[-1:])} - {""}
        self._runs = [run for run in self._runs[:-1] if run.series in wanted] + self._runs[-1:]
        self._runs.append(_Run(series=series))
        del self._runs[:-KEPT_RUNS]
        self.run = str(start["uid"])
        self.dropped = 0

    def _shrink(self) -> None:
        while self._size > self._limit and len(self._runs) > 1:
            del self._runs[0]
        if self._size > self._limit:
            self.dropped += self._runs[0].thin()
