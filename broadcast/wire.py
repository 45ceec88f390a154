"""How documents look on the wire: msgpack of plain types, and never pickle, which would run what a stranger sends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgpack  # type: ignore[import-untyped]
import numpy as np

NamedDocument = tuple[str, Mapping[str, Any]]

HEARTBEAT = "heartbeat"
"""Name of the message with which a publisher says that it lives, and how many documents it has sent."""


NO_RUN = "-"
"""Run of a message outside any run; the words of a message are separated by spaces, so it cannot be empty."""


class Sent(NamedTuple):
    """What a publisher sends: who it is, the document's number (the next one's, in a heartbeat), its run, name, body.

    `run` is "-" outside a run.
    """

    publisher: str
    number: int
    run: str
    name: str
    payload: bytes

    def frame(self) -> bytes:
        """One message."""
        head = " ".join([self.publisher, str(self.number), self.run, self.name])
        return head.encode() + b" " + self.payload

    @classmethod
    def of(cls, frame: bytes) -> Sent:
        """Read a message; raises ValueError if it is none."""
        publisher, number, run, name, payload = frame.split(b" ", 4)
        return cls(publisher.decode(), int(number), run.decode(), name.decode(), payload)


class Relayed(NamedTuple):
    """What the relay publishes: its number, name and body, as `bluesky.callbacks.zmq.RemoteDispatcher` reads them."""

    sequence: int
    name: str
    payload: bytes

    def frame(self) -> bytes:
        """One message."""
        return f"{self.sequence} {self.name} ".encode() + self.payload

    @classmethod
    def of(cls, frame: bytes) -> Relayed:
        """Read a message; raises ValueError if it is none."""
        sequence, name, payload = frame.split(b" ", 2)
        return cls(int(sequence), name.decode(), payload)


def pack(doc: Mapping[str, Any]) -> bytes:
    """Return a document as msgpack; arrays become lists, numpy's numbers Python's own; no digit changes.

    Raises TypeError for what is neither number, text, list nor mapping.
    """
    packed: bytes = msgpack.packb(doc, default=_plain, use_bin_type=True)
    return packed


def unpack(payload: bytes) -> dict[str, Any]:
    """Return a document from msgpack; usable as `deserializer` of a RemoteDispatcher. Raises ValueError for damage."""
    doc: dict[str, Any] = msgpack.unpackb(payload, raw=False, strict_map_key=False)
    return doc


def identity(name: str, doc: Mapping[str, Any]) -> str:
    """Return what identifies a document, however often and from wherever it arrives."""
    own = doc.get("datum_id", doc.get("uid", ""))
    return f"{name} {own[0] if isinstance(own, list) and own else own}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | range):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} is a {type(value).__name__}")
