"""Where a session's documents go: to the recorders, which may end a run, then to subscribers, which may not."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bluesky.run_engine import Dispatcher
from event_model import DocumentNames

from reduction.types import Document
from trxas.session.subscriber import Callback, Seconds, ThreadedSubscriber

PATIENCE_S = 60.0
"""Longest time, s, that the prompt waits after a plan for subscribers that are behind.

Chosen: a figure with the limits of two close lifetimes takes 5 s, and ten times that on a machine that is busy.
"""


class SessionDispatcher(Dispatcher):
    """A dispatcher of documents with two kinds of receivers, recorders and subscribers.

    Recorders act on the run: they get each document at once, on the thread of the RunEngine, and their errors end the
    plan. There are few, and all are part of a session: journal and catalogue, publisher, calibrations. Only
    `record_with` makes one, and nothing removes it, neither `RE.reset()` nor a guessed token.

    Subscribers only watch. A callback that subscribes by bluesky's means (`RE.subscribe`, `RE(plan, callback)`,
    `bps.subscribe`) gets copies of the documents on its own thread, and is disconnected after its first error.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bluesky's
        self._recorders: list[Callback] = []
        self._subscribers: dict[int, tuple[str, ThreadedSubscriber]] = {}
        self._tokens = itertools.count(1)
        self._lock = threading.Lock()

    def record_with(self, recorder: Callback) -> None:
        """Pass every document to `recorder` before all subscribers; what it raises ends the plan."""
        self._recorders.append(recorder)

    def process(self, name: DocumentNames, doc: Document) -> None:
        """Pass one document on; raises what a recorder raises, and then no subscriber gets it."""
        # Recorders first, on the thread of the run: when a subscriber or a window hears of an exposure, it is written.
        # An error here must end the run, because data that are not stored are not measured. Subscribers get a copy in a
        # queue of their own, which cannot fail.
        for recorder in self._recorders:
            recorder(name.name, doc)
        for wanted, subscriber in self._all():
            if wanted in ("all", name.name):
                subscriber.put(name.name, doc)

    def subscribe(self, func: Callback, name: str = "all") -> int:
        """Subscribe `func` to documents of type `name`, or "all"; return a token for `unsubscribe`.

        The same function for the same type again is not called twice. Raises KeyError if there is no such type,
        TypeError if `func` cannot be called.
        """
        if callable(name) and isinstance(func, str):
            # bluesky before 0.10 had the two in this order, and still takes them.
            callback = name
            name = func
            func = callback
        if name != "all":
            name = DocumentNames[name].name
        if not callable(func):
            raise TypeError(f"Cannot subscribe {func!r}: it is not a function of a name and a document.")
        with self._lock:
            # bluesky subscribes a callback once per token; people subscribe the same callback twice, for instance by
            # running a cell of a notebook again, and would get every line twice. Both tokens then share one subscriber,
            # and unsubscribing either ends it.
            known = (
                subscriber
                for wanted, subscriber in self._subscribers.values()
                if wanted == name and subscriber.callback == func and not subscriber.is_left_out
            )
            token = next(self._tokens)
            self._subscribers[token] = (name, next(known, None) or ThreadedSubscriber(func))
        return token

    def unsubscribe(self, token: int) -> None:
        """Cancel a subscription; documents that were emitted before are still passed on.

        Unknown tokens are ignored. The other tokens of the same callback end too.
        """
        with self._lock:
            _, subscriber = self._subscribers.pop(token, ("", None))
        if subscriber is not None:
            subscriber.close()
            with self._lock:
                for other in [key for key, (_, one) in self._subscribers.items() if one is subscriber]:
                    del self._subscribers[other]

    def unsubscribe_all(self) -> None:
        """Cancel all subscriptions; recorders stay."""
        for token in list(self._subscribers):
            self.unsubscribe(token)

    def wait(self, token: int | None = None, *, timeout_s: Seconds = PATIENCE_S) -> None:
        """Return when the subscriber of `token`, or every one, has received all documents, or after `timeout_s`, s.

        Never raises: a stuck subscriber is disconnected, a slow one continues in the background.
        """
        # One deadline for all: ten subscribers that are slow together must not make the prompt wait ten times as long.
        deadline = time.monotonic() + timeout_s
        for subscriber in [one for key, (_, one) in list(self._subscribers.items()) if token in (None, key)]:
            subscriber.wait(max(deadline - time.monotonic(), 0.0))

    @contextmanager
    def shown(self, _engine: Any = None) -> Iterator[None]:
        """Context that ends when all subscribers have received the documents of the plan, at the latest after 10 s.

        It is meant for `RunEngine.context_managers`.
        """
        try:
            yield
        finally:
            self.wait()

    def _all(self) -> list[tuple[str, ThreadedSubscriber]]:
        """Return all subscribers, each once; two tokens of one callback share its entry."""
        with self._lock:
            return list({id(entry[1]): entry for entry in self._subscribers.values()}.values())
