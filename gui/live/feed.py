"""Sources of documents: a session, a stored run, or this process itself."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gui.live.frame import FeedState
from reduction.types import NamedDocument

AT_ONCE = 200
"""Largest number of documents in one delivery: frames then appear while a long run is read quickly."""


class Feed(Protocol):
    """A source of documents. One thread calls `open`, `take` and `close`; a closed source may be opened again."""

    @property
    def state(self) -> FeedState:
        """State of the source, readable from any thread."""

    def open(self) -> None:
        """Start with the start document of the current run, or of the next one."""

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """Return at most `AT_ONCE` documents in order, or none if the first does not come within `timeout_s`, s."""

    def close(self) -> None:
        """Disconnect from the source."""


class QueueFeed:
    """Documents that any thread of this process puts in, for tests and benchmarks."""

    def __init__(self, source: str = "this process") -> None:
        self._documents: queue.SimpleQueue[NamedDocument] = queue.SimpleQueue()
        self.state = FeedState(source=source, live=True, connected=True)

    def put(self, name: str, doc: Mapping[str, Any]) -> None:
        """Add a document, from any thread; the queue has no limit."""
        self._documents.put((name, doc))

    def open(self) -> None:
        """Do nothing; there is no connection."""

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """Return at most `AT_ONCE` of the documents that were put in, after at most `timeout_s`, s."""
        taken: list[NamedDocument] = []
        try:
            taken.append(self._documents.get(timeout=timeout_s))
            while len(taken) < AT_ONCE:
                taken.append(self._documents.get_nowait())
        except queue.Empty:
            pass
        if taken:
            self.state = FeedState(
                source=self.state.source, live=True, connected=True, last_document_at=time.monotonic(), lag_s=0.0
            )
        return taken

    def close(self) -> None:
        """Do nothing; there is no connection."""
