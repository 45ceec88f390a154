"""Documents on the wire: msgpack of plain types. Never pickle, which would run code that any sender provides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgpack  # type: ignore[import-untyped]
import numpy as np

NamedDocument = tuple[str, Mapping[str, Any]]

HEARTBEAT = "heartbeat"
"""Name of the message by which a publisher shows that it is alive, and how many documents it has numbered."""


NO_RUN = "-"
"""Run of a message outside any run; the words of a message are separated by spaces, so it cannot be empty."""


class Sent(NamedTuple):
    """Message of a publisher: its id, the document's number (in a heartbeat the next one's), run, name and body.

    `run` is `NO_RUN` outside a run.
    """

    publisher: str
    number: int
    run: str
    name: str
    payload: bytes

    def frame(self) -> bytes:
        """Return the message as bytes: four words, separated by spaces, and the body."""
        head = " ".join([self.publisher, str(self.number), self.run, self.name])
        return head.encode() + b" " + self.payload

    @classmethod
    def of(cls, frame: bytes) -> Sent:
        """Read a message; raises ValueError if the bytes are not one."""
        publisher, number, run, name, payload = frame.split(b" ", 4)
        return cls(publisher.decode(), int(number), run.decode(), name.decode(), payload)


class Relayed(NamedTuple):
    """Message of the relay: number, name and body, as `bluesky.callbacks.zmq.RemoteDispatcher` reads them."""

    sequence: int
    name: str
    payload: bytes

    def frame(self) -> bytes:
        """Return the message as bytes: number and name, separated by spaces, and the body."""
        return f"{self.sequence} {self.name} ".encode() + self.payload

    @classmethod
    def of(cls, frame: bytes) -> Relayed:
        """Read a message; raises ValueError if the bytes are not one."""
        sequence, name, payload = frame.split(b" ", 2)
        return cls(int(sequence), name.decode(), payload)


PlainPacker = next(kind for kind in msgpack.Packer.__mro__ if kind.__module__.startswith("msgpack."))
"""msgpack's own packer: importing bluesky_kafka patches msgpack.packb, which then encodes arrays in another way."""


def pack(doc: Mapping[str, Any]) -> bytes:
    """Return a document as msgpack: arrays become lists, numpy scalars Python numbers, without changing a digit.

    Raises TypeError for values other than numbers, strings, lists, sets, mappings and paths.
    """
    packed: bytes = PlainPacker(default=plain, use_bin_type=True).pack(doc)
    return packed


def unpack(payload: bytes) -> dict[str, Any]:
    """Return a document from msgpack, also as `deserializer` of a RemoteDispatcher; raises ValueError for bad bytes."""
    doc: dict[str, Any] = msgpack.unpackb(payload, raw=False, strict_map_key=False)
    return doc


def identity(name: str, doc: Mapping[str, Any]) -> str:
    """Return the text that identifies a document, however often and from wherever it arrives.

    It holds the name and the uid (of a page, the first uid); datums have a `datum_id` instead of a uid.
    """
    own = doc.get("datum_id", doc.get("uid", ""))
    return f"{name} {own[0] if isinstance(own, list) and own else own}"


def plain(value: Any) -> Any:
    """Return a value as a number, string, list or dict, for `pack`; raises TypeError if it cannot be one."""
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
