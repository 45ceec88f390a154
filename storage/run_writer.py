"""Writing one run into the catalogue, document by document or whole."""

from __future__ import annotations

import copy
import math
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

from bluesky_tiled_plugins.writing.tiled_writer import RunNormalizer, _RunWriter

from storage.documents import conform, conform_document, conform_events
from storage.image_files import ImageRows, straightened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from storage.catalogue import Catalogue
    from storage.documents import Document, NamedDocument

# Rows are written when `flush` or the stop document says so, never by count.
_NO_BATCHES = 2**62

_MANY_PIECES = 8
"""A run whose arrays lie in more files than this is rewritten when it is complete. Measured reading by databroker:
200 events in pieces of one row 1.0 s, 10 000 events in one piece 0.8 s."""


class _FlushingWriter(_RunWriter):
    # TiledWriter writes after a number of events only, so that a slow run would show nothing for an hour. Its
    # writer of a single run has what is missing, under private names of bluesky-tiled-plugins 2.0.12 (pinned).

    def __init__(self, client: Any) -> None:
        # Arrays of any size as zarr: tables hold nested lists, which databroker cannot read back as 5x2 arrays.
        super().__init__(client, batch_size=_NO_BATCHES, max_array_size=0)

    def flush(self) -> Counter[str]:
        """Write the cached rows, refer to the images so far, and return the number of rows per stream."""
        rows: Counter[str] = Counter()
        for stream, cache in self._internal_data_cache.items():
            if cache:
                rows[stream] = len(cache)
                self._write_internal_data(cache, desc_node=self._desc_nodes[stream])
                cache.clear()
        for datum in self._external_data_cache.values():
            self._write_external_data(datum)
        self._external_data_cache.clear()
        return rows


class RunWriter:
    """Writes the documents of one run through a Tiled client; `flush` makes what has come so far readable.

    Array columns get the numpy type of their first value if their descriptor declares none.
    """

    def __init__(self, client: Any) -> None:
        self._writer = _FlushingWriter(client)
        self._normalizer = RunNormalizer()
        self._normalizer.subscribe(self._writer)
        self._data_keys: dict[str, dict[str, Any]] = {}
        self._undeclared: dict[str, Document] = {}
        self._rows: Counter[str] = Counter()
        self._first_rows: dict[str, int] = {}
        self._images = ImageRows()

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document; events are cached until `flush` or the stop document."""
        self._images(name, doc)
        if name == "descriptor":
            self._data_keys[doc["uid"]] = doc["data_keys"]
            if _undeclared_arrays(doc["data_keys"]):
                self._undeclared[doc["uid"]] = doc
                return
        if name in ("event", "event_page"):
            self._declare(name, doc)
            doc = conform_document(name, doc, self._data_keys[doc["descriptor"]])
        if name == "stop":
            for descriptor in self._undeclared.values():
                self._normalizer("descriptor", descriptor)
            self.flush()
        self._normalizer(name, doc)

    @property
    def is_to_be_rewritten(self) -> bool:
        """Whether the complete run should be written once more, with `write_run`, to be read fast and right."""
        return self._is_in_many_pieces or not self._images.are_straight

    @property
    def _is_in_many_pieces(self) -> bool:
        """Whether reading the run would be slow because its first flush, and so every piece, had few rows."""
        return any(math.ceil(self._rows[s] / first) > _MANY_PIECES for s, first in self._first_rows.items())

    def flush(self) -> None:
        """Write all events that have come so far."""
        for stream, rows in self._writer.flush().items():
            self._rows[stream] += rows
            self._first_rows.setdefault(stream, rows)

    def _declare(self, name: str, doc: Document) -> None:
        descriptor = self._undeclared.pop(doc["descriptor"], None)
        if descriptor is None:
            return
        descriptor = copy.deepcopy(descriptor)
        for key in _undeclared_arrays(descriptor["data_keys"]):
            values = doc["data"].get(key) if name == "event_page" else [doc["data"].get(key)]
            if values and values[0] is not None:
                declared = descriptor["data_keys"][key]
                declared["dtype_numpy"] = conform(values[0], declared).dtype.str
        self._normalizer("descriptor", descriptor)


def write_run(catalogue: Catalogue, documents: Iterable[NamedDocument]) -> None:
    """Write a whole run, start to stop, in one piece; an earlier, partial copy of it is deleted first.

    Raises `StorageError` if its images cannot be put in order, and whatever Tiled raises.
    """
    documents = straightened(documents)
    client = catalogue.connect()
    delete_run(client, catalogue.data, documents[0][1]["uid"])
    writer = RunWriter(client)
    for name, doc in conform_events(documents):
        writer(name, doc)


def delete_run(client: Any, data: Path | None, uid: str) -> None:
    """Delete the run `uid`, its tables and its arrays from the catalogue, if it is there.

    `data` is the embedded catalogue's folder of arrays. A process killed while it made an array leaves the file
    without an entry for it, and Tiled then refuses to make that array again.
    """
    try:
        run = client[uid]
    except (KeyError, ValueError):
        run = None
    # A client completes what it takes for the beginning of a uid: never delete a run with another one.
    if run is not None and run.item["id"] == uid:
        run.delete(recursive=True, external_only=False)
    if data is not None and (data / uid).is_dir():
        shutil.rmtree(data / uid)


def _undeclared_arrays(data_keys: dict[str, Any]) -> list[str]:
    return [
        key
        for key, declared in data_keys.items()
        if declared["dtype"] == "array" and "dtype_numpy" not in declared and "external" not in declared
    ]
