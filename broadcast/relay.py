"""The relay: takes documents from sessions, stores those of the latest runs, and sends them to every window."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import zmq

from broadcast.run_cache import LIMIT_BYTES, RunCache
from broadcast.wire import HEARTBEAT, NO_RUN, NamedDocument, Sent, pack, unpack
from errors import StorageError

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
AT_ONCE = 500
"""Documents in one answer to a subscriber that lags behind: about 500 kB."""

QUEUED_FOR_A_WINDOW = 2000
"""Messages that zmq queues for a slow subscriber; it has to ask for what is dropped beyond."""

POLL_MS = 200
"""Longest wait of the relay for a message, ms, before it checks whether to stop."""


@dataclass(frozen=True, kw_only=True)
class RelayAddresses:
    """Addresses as "tcp://host:port": sessions send to `publish`, windows read from `subscribe` and ask at `ask`."""

    publish: str
    subscribe: str
    ask: str


class RunArchive(Protocol):
    """Stored runs from which the relay fills gaps: the journals of the data folder."""

    def newest(self) -> str | None:
        """Return the uid of the newest run, open or not; None if no run is stored."""

    def of_series(self, series: str) -> Sequence[str]:
        """Return the uids of the runs of a series, oldest first; empty if none is stored."""

    def load(self, uid: str) -> Sequence[NamedDocument]:
        """Return the documents of a run so far; raises StorageError if they cannot be read."""


class Relay:
    """Relay that binds its sockets at once; `run` works until `stop` is called from another thread.

    `ports` are those of `publish`, `subscribe` and `ask`; 0 takes a free one. Documents that were lost on the way, or
    emitted before the relay started, are read from the `archive`; `lost` counts those that could not be. The documents
    of the latest runs take at most `limit_bytes` of memory. Raises zmq.ZMQError if a port is taken.
    """

    def __init__(
        self,
        *,
        interface: str = LOOPBACK,
        ports: tuple[int, int, int] = (0, 0, 0),
        archive: RunArchive | None = None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        # Numbers that begin with the time (us) grow over restarts too, so a subscriber never takes new ones for old.
        self.cache = RunCache(time.time_ns() // 1000, limit_bytes=limit_bytes)
        self.lost = 0
        self._boot = uuid.uuid4().hex[:12]
        self._archive = archive
        self._expected: dict[str, int] = {}
        self._heard_at: float | None = None
        self._looked_up: set[str] = set()
        self._stopping = threading.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._incoming = self._context.socket(zmq.PULL)
        self._outgoing = self._context.socket(zmq.PUB)
        self._outgoing.setsockopt(zmq.SNDHWM, QUEUED_FOR_A_WINDOW)
        self._questions = self._context.socket(zmq.ROUTER)
        self.addresses = RelayAddresses(
            publish=_bind(self._incoming, ports[0], interface),
            subscribe=_bind(self._outgoing, ports[1], interface),
            ask=_bind(self._questions, ports[2], interface),
        )

    def run(self) -> None:
        """Relay until `stop`, beginning with the newest run of the archive; invalid messages are logged.

        Raises zmq.ZMQError if a socket fails.
        """
        self._recall_newest()
        poller = zmq.Poller()
        poller.register(self._incoming, zmq.POLLIN)
        poller.register(self._questions, zmq.POLLIN)
        try:
            while not self._stopping.is_set():
                ready = dict(poller.poll(POLL_MS))
                if self._incoming in ready:
                    self._drain_incoming()
                if self._questions in ready:
                    self._answer()
        finally:
            self._context.destroy(linger=0)

    def stop(self) -> None:
        """End `run` within 0.2 s."""
        self._stopping.set()

    def _drain_incoming(self) -> None:
        # A limit, so that questions are answered in between however fast documents come.
        for _ in range(AT_ONCE):
            try:
                frame = self._incoming.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                self._take(Sent.of(frame))
            except (ValueError, TypeError, KeyError) as error:
                logger.warning("A message that is not a document was ignored: %s", error)

    def _take(self, sent: Sent) -> None:
        # Every publisher numbers its documents; a heartbeat carries the number of the document that will come next. Per
        # publisher one state, `_expected`: the number that must come next; unknown for one that was never heard.
        # - The expected number comes: the document belongs to the cached run and goes out.
        # - A higher number comes, or a run that is not the cached one ("strange", as after a restart of the relay):
        #   documents were lost on the way. The journal has them; the whole run is fetched from there, and what is known
        #   already is left out by the cache. Only what the journal lacks too counts as lost.
        # - A start comes while another run is cached: the stop of that run was lost, and is fetched first.
        # Invariant: documents of one run leave in the order of the journal, each once.
        self._heard_at = time.monotonic()
        expected = self._expected.get(sent.publisher)
        is_beat = sent.name == HEARTBEAT
        self._expected[sent.publisher] = sent.number + (not is_beat)
        doc = {} if is_beat else unpack(sent.payload)
        missing = sent.number - expected if expected is not None else 0
        strange = sent.run not in (NO_RUN, self.cache.run) and sent.name != "start"
        if sent.name == "start":
            self.lost = 0
            if self.cache.run and self.cache.run != sent.run:
                # The stop of the cached run was lost on the way.
                self._fetch(self.cache.run)
        if (missing > 0 or strange) and not self._recall(sent):
            self.lost += max(missing, 1 if not is_beat else 0)
        if is_beat:
            self._close_forgotten_run(sent)
        elif sent.name == "start" or sent.run == self.cache.run:
            self._publish(sent.name, doc, sent.payload)

    def _publish(self, name: str, doc: Any, payload: bytes) -> None:
        relayed = self.cache.add(name, doc, payload)
        if relayed is not None:
            self._outgoing.send(relayed.frame())
            if name == "start" and doc.get("series"):
                self._recall_series(str(doc["series"]), str(doc["uid"]))

    def _recall_series(self, series: str, latest: str) -> None:
        """Fetch the earlier runs of a series that were emitted before the relay started, or dropped since.

        Only subscribers that join late need them: the others have received them. Newest first, because memory may not
        hold them all.
        """
        if self._archive is None or self.cache.has_earlier_of(series):
            return
        uids = self._archive.of_series(series)
        for uid in reversed(uids[: uids.index(latest)] if latest in uids else uids):
            documents = self._load(uid)
            if not documents or not self.cache.put_before(documents):
                return

    def _recall(self, sent: Sent) -> bool:
        """Fetch the run of a message from the archive; return whether nothing is missing any more."""
        uid = sent.run if sent.run != NO_RUN else self.cache.run
        return not uid or self._fetch(uid)

    def _recall_newest(self) -> None:
        if self._archive is not None:
            uid = self._archive.newest()
            if uid is not None:
                self._fetch(uid)

    def _fetch(self, uid: str) -> bool:
        documents = self._load(uid)
        for name, doc in documents:
            self._publish(name, doc, pack(doc))
        return bool(documents)

    def _load(self, uid: str) -> Sequence[NamedDocument]:
        if self._archive is None:
            return []
        try:
            return self._archive.load(uid)
        except StorageError as error:
            # A damaged or missing journal must not stop other runs, and the live one, from being shown.
            logger.warning("Run %s could not be completed from its journal: %s", uid, error)
            return []

    def _close_forgotten_run(self, beat: Sent) -> None:
        """Fetch the end of the cached run, once, if its session is in no run: the stop was lost or the session died."""
        if beat.run == NO_RUN and self.cache.run and self.cache.run not in self._looked_up:
            self._looked_up = {self.cache.run}
            self._fetch(self.cache.run)

    def _answer(self) -> None:
        while True:
            try:
                asker, question = self._questions.recv_multipart(zmq.NOBLOCK)
                asked = unpack(question)
                answer = self._answer_to(int(asked["after"]), asked.get("id"), joining=bool(asked.get("joining")))
            except zmq.Again:
                return
            except (ValueError, TypeError, KeyError) as error:
                logger.warning("A message that is not a question was ignored: %s", error)
                continue
            # A ROUTER silently drops the answer to a subscriber that has gone.
            self._questions.send_multipart([asker, pack(answer)], zmq.NOBLOCK)

    def _answer_to(self, after: int, question: Any, *, joining: bool) -> dict[str, Any]:
        documents, more = self.cache.after(after, AT_ONCE, joining=joining)
        silent_s = None if self._heard_at is None else time.monotonic() - self._heard_at
        return {
            "id": question,
            "boot": self._boot,
            "documents": [list(document) for document in documents],
            "more": more,
            "first": self.cache.first,
            "last": self.cache.sequence,
            "lost": self.lost,
            "dropped": self.cache.dropped,
            "run": self.cache.run,
            "session_silent_s": silent_s,
        }


def _bind(socket: zmq.Socket[bytes], port: int, interface: str) -> str:
    socket.bind(f"tcp://{interface}:{port or '*'}")
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
