"""Where documents come from: a session, a stored run, or a program's own hand."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gui.live.frame import FeedState

NamedDocument = tuple[str, Mapping[str, Any]]

AT_ONCE = 200
"""Documents handed over in one go, so that frames appear between those of a long run that is read quickly."""


class Feed(Protocol):
    """A source of documents. `open`, `take` and `close` are called on one thread; after `close` it may open again."""

    @property
    def state(self) -> FeedState:
        """How the source is doing."""

    def open(self) -> None:
        """Begin with the start document of the run under way, or of the next one."""

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """Documents in order, at most `AT_ONCE`; waits for the first at most so long, and may return none."""

    def close(self) -> None:
        """Let go of the source."""


class QueueFeed:
    """Documents that this process puts in, in any thread; for tests and measurements of speed."""

    def __init__(self, source: str = "this process") -> None:
        self._documents: queue.SimpleQueue[NamedDocument] = queue.SimpleQueue()
        self.state = FeedState(source=source, live=True, connected=True)

    def put(self, name: str, doc: Mapping[str, Any]) -> None:
        """Add a document."""
        self._documents.put((name, doc))

    def open(self) -> None:
        """Nothing to do."""

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """What was put in."""
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
        """Nothing to do."""
