"""The window's end of the wire: every document of the open run and its series, once and in order."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import zmq

from broadcast.relay import RelayAddresses
from broadcast.run_cache import KEPT_RUNS
from broadcast.wire import NamedDocument, Relayed, identity, pack, unpack

ASK_EVERY_S = 0.5
"""Period of questions to the relay, s: they fetch what the stream has lost, and show that the relay is alive."""

SILENT_AFTER_S = 2.0
"""A relay that has not answered for this long, or a session that has sent nothing, counts as gone, s."""

_AT_ONCE = 200

Addresses = Callable[[], RelayAddresses | None]
"""Returns where the relay listens, None while it is unknown."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Documents in order; `age_s`: age of the newest on arrival, s, by the clock of its sender, None without a time.

    `lag_s`: the same, but None while catching up, when documents are old without being late.
    """

    documents: Sequence[NamedDocument]
    lag_s: float | None = None
    age_s: float | None = None


class Subscriber:
    """Subscriber that joins the relay as soon as it is there, also in the middle of a run; for one thread only.

    `addresses` gives the relay's addresses, or a function that is called while the relay is silent. `run` is the uid of
    the open run, "" for none; `session_silent_s` the time since a session was last heard, s, None if never.
    """

    def __init__(self, addresses: RelayAddresses | Addresses) -> None:
        self._addresses: Addresses = addresses if callable(addresses) else lambda: addresses
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._connected_to: RelayAddresses | None = None
        self._stream: zmq.Socket[bytes] | None = None
        self._line: zmq.Socket[bytes] | None = None
        self._last = 0
        self._boot = ""
        self._lost_here = 0
        self._lost_by_relay = 0
        # Documents by run: a restarted relay may send these runs again.
        self._known: deque[set[str]] = deque([set()], maxlen=KEPT_RUNS)
        self._question = 0
        self._asked_at = 0.0
        # Only time spent listening counts: a window that computes for 3 s, or a busy machine, makes no relay silent.
        self._unanswered_s = SILENT_AFTER_S
        self._waiting_for_answer = False
        self._joined = False
        self.run = ""
        self.session_silent_s: float | None = None

    @property
    def answers(self) -> bool:
        """Whether the relay has answered within the last 2 s of listening."""
        return self._unanswered_s < SILENT_AFTER_S

    @property
    def missed(self) -> int:
        """Number of documents lost for good: on the way to the relay or from it, and not in the journal."""
        return self._lost_here + self._lost_by_relay

    def take(self, timeout_s: float) -> Delivery:
        """Return the documents that have arrived, if any, after waiting at most `timeout_s` seconds for the first."""
        deadline = time.monotonic() + timeout_s
        documents: list[NamedDocument] = []
        while True:
            self._connect()
            self._ask(now=False)
            # Rounded up: a wait of 0 ms would be repeated until the last part of a millisecond is over.
            remaining_ms = max(0, math.ceil(1000 * (deadline - time.monotonic())))
            documents += self._receive(min(remaining_ms, int(1000 * ASK_EVERY_S)))
            if documents or time.monotonic() >= deadline:
                age_s = _age(documents)
                return Delivery(documents=documents, lag_s=age_s if self._joined else None, age_s=age_s)

    def close(self) -> None:
        """Close the connections to the relay at once; documents that they still hold are dropped."""
        self._context.destroy(linger=0)

    def _connect(self) -> None:
        if self.answers and self._stream is not None:
            return
        addresses = self._addresses()
        if addresses is None or addresses == self._connected_to:
            if self._stream is None:
                time.sleep(0.02)  # nothing to wait on yet
            return
        for socket in (self._stream, self._line):
            if socket is not None:
                socket.close(0)
        self._connected_to = addresses
        self._stream = self._context.socket(zmq.SUB)
        self._line = self._context.socket(zmq.DEALER)
        self._stream.setsockopt(zmq.SUBSCRIBE, b"")
        self._line.setsockopt(zmq.IMMEDIATE, 1)
        self._stream.connect(addresses.subscribe)
        self._line.connect(addresses.ask)
        self._asked_at = 0.0

    def _ask(self, *, now: bool) -> None:
        """Ask for the documents after the latest one; the answer also shows that the relay is alive."""
        age_s = time.monotonic() - self._asked_at
        if self._line is None or (age_s < ASK_EVERY_S and (self._waiting_for_answer or not now)):
            return
        try:
            question = {"after": self._last, "id": self._question + 1, "joining": not self._joined}
            self._line.send(pack(question), zmq.NOBLOCK)
        except zmq.Again:
            return
        self._question += 1
        self._asked_at = time.monotonic()
        self._waiting_for_answer = True

    def _receive(self, timeout_ms: int) -> list[NamedDocument]:
        if self._stream is None or self._line is None:
            return []
        poller = zmq.Poller()
        poller.register(self._stream, zmq.POLLIN)
        poller.register(self._line, zmq.POLLIN)
        began = time.monotonic()
        ready = dict(poller.poll(timeout_ms))
        self._unanswered_s += min(time.monotonic() - began, timeout_ms / 1000)
        documents: list[NamedDocument] = []
        if self._line in ready:
            documents += self._take_answer(unpack(self._line.recv()))
        if self._stream in ready:
            documents += self._drain_stream(self._stream)
        return documents

    def _drain_stream(self, stream: zmq.Socket[bytes]) -> list[NamedDocument]:
        documents: list[NamedDocument] = []
        for _ in range(_AT_ONCE):
            try:
                relayed = Relayed.of(stream.recv(zmq.NOBLOCK))
            except zmq.Again:
                break
            if relayed.sequence == self._last + 1:
                documents += self._deliver(relayed)
            elif relayed.sequence > self._last:
                # A document before this one is missing: the answer brings both.
                self._ask(now=True)
        return documents

    def _take_answer(self, answer: Mapping[str, Any]) -> list[NamedDocument]:
        # A subscriber hears a stream that may have gaps, and asks the relay for everything behind `_last`, the sequence
        # number of the last document that it has. Two states: catching up (`_joined` false), until an answer brings
        # nothing new, and joined. Events: the stream skips a number (ask at once), an answer has more behind it (ask
        # again), an answer comes from another relay (`boot` differs: its numbers mean nothing here, so start over;
        # `_known` keeps documents from being delivered twice).
        # Invariant: documents are delivered in the order of their numbers, each once. A gap that even the relay cannot
        # fill counts as lost: `dropped` before the first document, later the distance from `_last` to `first`.
        self._unanswered_s = 0.0
        self._waiting_for_answer = self._waiting_for_answer and answer["id"] != self._question
        self.run = answer["run"]
        self.session_silent_s = answer["session_silent_s"]
        self._lost_by_relay = int(answer["lost"])
        restarted = self._boot not in ("", answer["boot"])
        self._boot = answer["boot"]
        if restarted:
            self._last = 0
            self._joined = False
            self._ask(now=True)
            return []
        self._count_losses(answer)
        documents = self._new_documents(answer)
        if answer["more"]:
            self._ask(now=True)
        elif not documents:
            self._joined = True
        return documents

    def _count_losses(self, answer: Mapping[str, Any]) -> None:
        """Count the documents that the relay has dropped: before the first answer or, once joined, after `_last`."""
        if self._last == 0:
            self._lost_here += int(answer["dropped"])
        elif self._joined:
            self._lost_here += max(0, int(answer["first"]) - self._last - 1)

    def _new_documents(self, answer: Mapping[str, Any]) -> list[NamedDocument]:
        documents: list[NamedDocument] = []
        for fields in answer["documents"]:
            relayed = Relayed(*fields)
            if relayed.sequence > self._last:
                documents += self._deliver(relayed)
        # A complete answer reaches up to `last` even if its newest documents are of runs that a newcomer does not get.
        self._last = self._last if answer["more"] else max(self._last, int(answer["last"]))
        return documents

    def _deliver(self, relayed: Relayed) -> list[NamedDocument]:
        """Return the document, unless an earlier relay, with numbers of its own, has sent it already."""
        self._last = relayed.sequence
        doc = unpack(relayed.payload)
        key = identity(relayed.name, doc)
        if any(key in known for known in self._known):
            return []
        if relayed.name == "start":
            self._known.append(set())
        self._known[-1].add(key)
        return [(relayed.name, doc)]


def _age(documents: Sequence[NamedDocument]) -> float | None:
    times = [doc["time"] for _, doc in documents if "time" in doc]
    if not times:
        return None
    latest = times[-1]
    return max(0.0, time.time() - float(latest[-1] if isinstance(latest, list) else latest))
