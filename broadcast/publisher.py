"""The session's end of the wire: it must never hold up or fail an acquisition."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import zmq

from broadcast.wire import HEARTBEAT, NO_RUN, Sent, pack

logger = logging.getLogger(__name__)

CAPACITY = 20_000
"""Limit of documents that wait for a relay: beyond it, the oldest are dropped, and read from the journal."""

HEARTBEAT_S = 1.0
"""Period of heartbeats while no document is sent, and of questions for the relay's address while there is none, s."""

_POLL_MS = 100
_LINGER_MS = 1000
_LAST_WORDS_S = 3.0

Address = Callable[[], str | None]
"""Returns where the relay listens, None while there is none; may raise OSError."""


class Publisher:
    """RunEngine callback that sends every document to the relay, on its own thread.

    `address` gives the relay's address, or a function that is called once a second while no relay takes documents, so
    that relay and session may start in any order. A call takes about 50 us and never raises: a run must not fail
    because of a window. Subscribe it after the journal, which holds the documents that the wire may lose.
    """

    # The thread is in one of two states: without a relay it drops what waits and asks for the address every second;
    # with one it sends, and goes back after a second in which the relay took nothing (it is gone, or was restarted at
    # another address). `_number` counts every document that was emitted, whether it was sent or not, so the relay
    # recognises any loss by a gap in the numbers. Invariant: numbers leave in ascending order, and a heartbeat, which
    # carries the next number, never overtakes a waiting document.

    def __init__(self, address: str | Address, *, capacity: int = CAPACITY) -> None:
        self._address: Address = address if callable(address) else lambda: address
        self._id = uuid.uuid4().hex[:12]
        self._capacity = capacity
        self._waiting: deque[bytes] = deque()
        self._number = 0
        self._run = NO_RUN
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="document publisher", daemon=True)
        self._thread.start()

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Queue one document for the thread; an error is logged, never raised."""
        try:
            self._put(name, doc)
        except Exception:
            # The RunEngine ends the plan over any error of a subscriber. This one is not worth beam time: the journal
            # has the document, and the relay fetches it from there when it sees the gap in the numbers.
            logger.exception("A %s document could not be published.", name)

    def close(self, timeout_s: float = 5.0) -> None:
        """Send the waiting documents, for which the relay has 3 s, and end the thread within `timeout_s` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _put(self, name: str, doc: Mapping[str, Any]) -> None:
        payload: bytes | None = None
        try:
            payload = pack(doc)
        finally:
            # The number is given and the document queued under one lock: a heartbeat in between would look like a loss.
            # A document that cannot be packed is lost, and leaves a gap in the numbers.
            with self._changed:
                if name == "start":
                    self._run = str(doc["uid"])
                if payload is not None:
                    self._enqueue(Sent(self._id, self._number, self._run, name, payload).frame())
                self._number += 1
                if name == "stop":
                    self._run = NO_RUN

    def _enqueue(self, frame: bytes) -> None:
        if len(self._waiting) == self._capacity:
            self._waiting.popleft()
        self._waiting.append(frame)
        self._changed.notify()

    def _work(self) -> None:
        with zmq.Context() as context:
            address: str | None = None
            socket: zmq.Socket[bytes] | None = None
            closing = False
            while not closing:
                # Read before the round: the last round begins after `close`, with all documents that came before it.
                closing = self._closing
                wanted = self._known_address()
                if wanted is not None and (socket is None or wanted != address):
                    if socket is not None:
                        socket.close(0)
                    address = wanted
                    socket = _connected(context, wanted)
                if socket is None:
                    self._forget_and_pause()
                else:
                    self._send_until_silence(socket, is_last=closing)
            if socket is not None:
                socket.close(_LINGER_MS)

    def _known_address(self) -> str | None:
        try:
            return self._address()
        except OSError:
            logger.exception("The relay's address cannot be read; trying again in 1 s.")
            return None

    def _forget_and_pause(self) -> None:
        """Drop the waiting documents and pause for a second: a relay that starts later reads it from the journal."""
        deadline = time.monotonic() + HEARTBEAT_S
        with self._changed:
            self._waiting.clear()
            while not self._closing and (remaining_s := deadline - time.monotonic()) > 0:
                self._changed.wait(remaining_s)

    def _send_until_silence(self, socket: zmq.Socket[bytes], *, is_last: bool) -> None:
        """Send documents and heartbeats until the relay has taken nothing for a second, or until `close`.

        The last round, after `close`, is over when nothing waits any more, or after 3 s of silence.
        """
        silence_s = _LAST_WORDS_S if is_last else HEARTBEAT_S
        heard_at = time.monotonic()
        beat_at = 0.0
        while time.monotonic() - heard_at < silence_s:
            while (frame := self._next()) is not None:
                if not _sent(socket, frame):
                    with self._changed:
                        self._waiting.appendleft(frame)
                    break
                heard_at = time.monotonic()
            if self._closing and not (is_last and self._waiting):
                return
            if time.monotonic() >= beat_at + HEARTBEAT_S and (beat := self._heartbeat()) is not None:
                beat_at = time.monotonic()
                if _sent(socket, beat):
                    heard_at = beat_at
            with self._changed:
                if not self._waiting and not self._closing:
                    self._changed.wait(HEARTBEAT_S / 4)

    def _next(self) -> bytes | None:
        with self._changed:
            return self._waiting.popleft() if self._waiting else None

    def _heartbeat(self) -> bytes | None:
        """Return a heartbeat, or None while documents wait, as these are a sign of life too."""
        with self._changed:
            return None if self._waiting else Sent(self._id, self._number, self._run, HEARTBEAT, b"").frame()


def _connected(context: zmq.Context[zmq.Socket[bytes]], address: str) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.PUSH)
    # zmq must not queue for a connection that does not exist yet: documents wait here, where they are counted.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(address)
    return socket


def _sent(socket: zmq.Socket[bytes], frame: bytes) -> bool:
    try:
        if socket.poll(_POLL_MS, zmq.POLLOUT):
            socket.send(frame, zmq.NOBLOCK)
            return True
    except zmq.Again:
        pass
    return False
