"""The documents of the open run and of the last one, for those who come late."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from broadcast.wire import Relayed, identity

LIMIT_BYTES = 200_000_000
"""Memory for documents; 1 kB each are 200 000 exposures. Beyond, the last run is let go, then the oldest events."""

_HEAD = ("start", "descriptor", "resource", "stream_resource")


class RunCache:
    """Numbers documents in the order of their coming and keeps those of the two latest runs.

    `sequence` is the number of the latest document; `first` that the first one after begins at. `run` is the uid of
    the open run, or "" between runs. `dropped` counts documents of the open run that memory had no place for.
    """

    def __init__(self, sequence: int, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.sequence = sequence
        self.run = ""
        self.dropped = 0
        self._limit = limit_bytes
        self._size = 0
        self._documents: list[Relayed] = []
        self._begins_at = 0
        self._known: set[str] = set()
        self._known_before: set[str] = set()

    def add(self, name: str, doc: Mapping[str, Any], payload: bytes) -> Relayed | None:
        """Take a document; returns it with its number, or None if it is known already."""
        key = identity(name, doc)
        if key in self._known or key in self._known_before:
            return None
        if name == "start":
            self._begin(str(doc["uid"]))
        elif name == "stop" and doc.get("run_start") == self.run:
            self.run = ""
        self._known.add(key)
        self.sequence += 1
        relayed = Relayed(self.sequence, name, payload)
        self._documents.append(relayed)
        self._size += len(payload)
        if self._size > self._limit:
            self._shrink()
        return relayed

    def after(self, sequence: int, limit: int) -> tuple[list[Relayed], bool]:
        """At most `limit` documents with higher numbers, in order, and whether there are more."""
        begin = bisect_right(self._documents, sequence, key=lambda document: document.sequence)
        return self._documents[begin : begin + limit], begin + limit < len(self._documents)

    @property
    def first(self) -> int:
        """Number of the oldest document that is kept, or of the next one."""
        return self._documents[0].sequence if self._documents else self.sequence + 1

    def _begin(self, uid: str) -> None:
        self._forget_before(self._begins_at)
        self._begins_at = len(self._documents)
        self._known_before, self._known = self._known, set()
        self.run, self.dropped = uid, 0

    def _forget_before(self, index: int) -> None:
        self._size -= sum(len(document.payload) for document in self._documents[:index])
        del self._documents[:index]
        self._begins_at -= index

    def _shrink(self) -> None:
        self._forget_before(self._begins_at)
        if self._size > self._limit:
            # A tenth at once, because leaving out one at a time would copy the list for each.
            others = [index for index, document in enumerate(self._documents) if document.name not in _HEAD]
            leaving = set(others[: max(1, len(others) // 10)])
            self._documents = [doc for index, doc in enumerate(self._documents) if index not in leaving]
            self._size = sum(len(document.payload) for document in self._documents)
            self.dropped += len(leaving)
