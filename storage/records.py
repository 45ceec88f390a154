"""The file format of journals: framed msgpack records, readable up to wherever the file is cut off.

A file is 8 bytes of magic, then per document `length, crc32` (little-endian uint32 each) and `length` bytes of
msgpack `[name, document]`. Numpy arrays are msgpack extension type 1: `[dtype, shape, bytes]` in C order.
"""

from __future__ import annotations

import functools
import math
import struct
import threading
import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgpack  # type: ignore[import-untyped]
import numpy as np

from errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from storage.documents import Document, NamedDocument

MAGIC = b"TRXASJ1\n"
"""First bytes of every journal file; the digit is the format's version."""

DONE = "done"
"""Name of the folder, beside the journals, for those of catalogued runs."""

_FRAME = struct.Struct("<II")
_NDARRAY = 1
_PAYLOAD_HEAD = b"\x92"

_Packer = next(kind for kind in msgpack.Packer.__mro__ if kind.__module__.startswith("msgpack."))
"""msgpack's own packer: importing bluesky_kafka patches msgpack.packb, which then encodes arrays in another way."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Documents of a journal file.

    `whole_bytes`: length of the readable part; `torn_bytes`: length of what follows it and cannot be read, normally 0.
    `behind`: whole documents that were found after a damaged record.
    """

    documents: list[NamedDocument]
    whole_bytes: int
    torn_bytes: int
    behind: tuple[NamedDocument, ...] = ()

    @property
    def is_torn(self) -> bool:
        """Whether the file holds a record that is cut off or damaged, and so bytes that cannot be read."""
        return self.torn_bytes > 0


def pack_record(name: str, doc: Mapping[str, Any]) -> bytes:
    """Return one framed record, as bytes.

    Raises `StorageError` if the document holds anything but numbers, strings, lists, mappings, paths and arrays.
    """
    try:
        payload: bytes = _packers.documents.pack((name, doc))
    except (TypeError, ValueError, OverflowError) as error:
        raise StorageError(
            f"A {name} document cannot be stored: {error}. "
            "Documents may hold numbers, text, lists, dicts and numpy arrays only."
        ) from error
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def unpack_record(record: bytes) -> NamedDocument:
    """Return name and document of a record that `pack_record` has made."""
    return _unpacked(record[_FRAME.size :])


def _unpacked(payload: bytes | memoryview) -> NamedDocument:
    name, doc = msgpack.unpackb(payload, ext_hook=_decode, raw=False, strict_map_key=False)
    return name, doc


def read_contents(path: Path, *, limit: int | None = None) -> Contents:
    """Read all whole records of a journal file, or the first `limit` of them.

    A record that is cut off or damaged ends the reading, and everything from there on counts as torn. If the whole file
    is read, later records that are intact are in `behind`.
    Raises `StorageError` if the file cannot be read or is not a journal.
    """
    try:
        # The record of a start document with its grid takes a few kB, so a long run need not be read for it.
        data = _read(path, None if limit is None else 65536)
        contents = _parse(data, limit)
        if limit is not None and len(contents.documents) < limit and len(data) == 65536:
            contents = _parse(_read(path, None), limit)
    except OSError as error:
        raise _unreadable(path, error) from error
    return contents


def iterate_documents(path: Path, *, behind: bool = True) -> Iterator[NamedDocument]:
    """Yield the documents of a journal file one by one, in memory that does not grow with the run.

    What is intact `behind` a damaged record and can be used is included, for which the whole file is read. Raises
    `StorageError` as `read_contents` does.
    """
    try:
        with open_journal(path) as file:
            is_torn = yield from _whole_documents(file)
    except OSError as error:
        raise _unreadable(path, error) from error
    if behind and is_torn:
        contents = read_contents(path)
        yield from usable(contents.documents, contents.behind)


def _whole_documents(file: BinaryIO) -> Generator[NamedDocument, None, bool]:
    """Yield the documents up to the first record that is not whole; return whether there is one."""
    # Read and not mapped: a writer whose disk is full shortens the file, which would kill a process that has mapped it.
    magic = file.read(len(MAGIC))
    if magic != MAGIC:
        return bool(magic)
    while head := file.read(_FRAME.size):
        if len(head) < _FRAME.size:
            return True
        length, checksum = _FRAME.unpack(head)
        # A damaged length may be anything up to 4 GB; no more than the file holds is read.
        payload = file.read(length)
        if length == 0 or len(payload) < length or zlib.crc32(payload) != checksum:
            return True
        yield _unpacked(payload)
    return False


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"Journal {path} cannot be read: {error}. Check the disk and the permissions.")


def read_start(path: Path) -> Document:
    """Return the start document of a journal file; raises `StorageError` if it has no readable one."""
    documents = read_contents(path, limit=1).documents
    if not documents or documents[0][0] != "start":
        raise StorageError(f"Journal {path} has no readable start document; restore the file from a backup.")
    return documents[0][1]


def usable(before: Iterable[NamedDocument], found: Iterable[NamedDocument]) -> list[NamedDocument]:
    """Return the `found` documents that can follow the documents `before` the damage.

    An event whose descriptor was destroyed has no meaning, and a second start or stop belongs to no run.
    """
    known = list(before)
    descriptors = {doc["uid"] for name, doc in known if name == "descriptor"}
    kept: list[NamedDocument] = []
    for name, doc in found:
        if name == "descriptor":
            descriptors.add(doc["uid"])
        # A second start belongs to another run, and an event without its descriptor has lost its meaning.
        if name == "start" or (name in ("event", "event_page") and doc.get("descriptor") not in descriptors):
            continue
        kept.append((name, doc))
        if name == "stop":
            break
    return kept


def open_journal(path: Path) -> BinaryIO:
    """Open a journal file for reading, also if it has moved to the `DONE` folder since it was listed; raises OSError.

    The process that writes a run moves the file once the run is catalogued, even while others read it.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        return (path.parent / DONE / path.name).open("rb")


def _read(path: Path, size: int | None) -> bytes:
    with open_journal(path) as file:
        return file.read(-1 if size is None else size)


def _parse(data: bytes, limit: int | None) -> Contents:
    if data[: len(MAGIC)] != MAGIC:
        return Contents(documents=[], whole_bytes=0, torn_bytes=len(data))
    documents: list[NamedDocument] = []
    position = len(MAGIC)
    view = memoryview(data)
    while limit is None or len(documents) < limit:
        payload = _payload_at(view, position)
        if payload is None:
            break
        documents.append(_unpacked(payload))
        position += _FRAME.size + len(payload)
    torn = len(data) - position if limit is None else 0
    return Contents(
        documents=documents,
        whole_bytes=position,
        torn_bytes=torn,
        behind=tuple(_behind(view, position)) if torn else (),
    )


def _behind(view: memoryview, position: int) -> Iterator[NamedDocument]:
    """Yield the documents after a damaged record: wherever the checksum of a frame is right."""
    data = bytes(view[position:])
    # Every payload begins with the msgpack byte of an array of two, so only such a byte can begin one. A payload whose
    # frame has been found is skipped as a whole; a chance match has the right checksum in 1 of 4e9 cases.
    at = data.find(_PAYLOAD_HEAD)
    while at >= 0:
        payload = _payload_at(memoryview(data), at - _FRAME.size) if at >= _FRAME.size else None
        if payload is None:
            at = data.find(_PAYLOAD_HEAD, at + 1)
        else:
            yield _unpacked(payload)
            at = data.find(_PAYLOAD_HEAD, at + len(payload))


def _payload_at(view: memoryview, position: int) -> memoryview | None:
    if position + _FRAME.size > len(view):
        return None
    length, checksum = _FRAME.unpack_from(view, position)
    payload = view[position + _FRAME.size : position + _FRAME.size + length]
    # A power cut can leave zeros at the end of a file, and the checksum of nothing is zero.
    if length == 0 or len(payload) < length or zlib.crc32(payload) != checksum:
        return None
    return payload


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        head = _array_head(value.dtype, value.shape)
        # As a plain tuple: the extension type checks its two parts in Python, each time.
        return value.tolist() if head is None else tuple.__new__(msgpack.ExtType, (_NDARRAY, head + value.tobytes()))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} is a {type(value).__name__}")


@functools.lru_cache(maxsize=256)
def _array_head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes | None:
    """Return what precedes the bytes of an array in its record, as msgpack packs it; None for an array of objects.

    Events have arrays of the same few kinds, and after an exposure the processor finds as little as possible to load.
    """
    if dtype.hasobject:
        return None
    size_bytes = dtype.itemsize * math.prod(shape)
    whole: bytes = _packers.arrays.pack((dtype.str, shape, bytes(size_bytes)))
    return whole[: len(whole) - size_bytes]


def _decode(code: int, data: bytes) -> Any:
    if code != _NDARRAY:
        return msgpack.ExtType(code, data)
    dtype, shape, raw = msgpack.unpackb(data, raw=False)
    return np.frombuffer(raw, dtype=np.dtype(dtype)).reshape(shape).copy()


class _Packers(threading.local):
    """The packers of one thread, made once.

    Each new packer allocates a quarter of a megabyte, and an event would need one for itself and one for each array.
    """

    def __init__(self) -> None:
        self.documents = _Packer(default=_encode, use_bin_type=True)
        self.arrays = _Packer(use_bin_type=True)


_packers = _Packers()
