"""Writing one run into the catalogue, document by document or as a whole."""

from __future__ import annotations

import copy
import math
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bluesky_tiled_plugins.writing import tiled_writer
from bluesky_tiled_plugins.writing.tiled_writer import RunNormalizer, _RunWriter

from storage.documents import conform, conform_document, conform_events
from storage.image_files import ImageRows, straightened

if TYPE_CHECKING:
    from pathlib import Path

    from storage.catalogue import Catalogue
    from storage.documents import Document, NamedDocument

# Rows are written by `flush` and with the stop document, never by count.
_NO_BATCHES = 2**62

_MANY_PIECES = 8
"""A run whose arrays lie in more files than this is rewritten when it is complete. Measured reading by databroker:
200 events in pieces of one row 1.0 s, 10 000 events in one piece 0.8 s."""

_LARGE_PIECE = 200
"""Rows of a piece from which on opening its file costs less than reading it: such a run is not rewritten."""

_LARGEST = 1.7976e308
"""Largest float in the catalogue's JSON, which has no infinity."""


def as_stored(value: Any) -> Any:
    """Return metadata in the form in which the catalogue returns them.

    Sequences become lists, infinities the largest float, NaN None.
    """
    if isinstance(value, Mapping):
        return {key: as_stored(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [as_stored(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else math.copysign(_LARGEST, value)
    return value


# bluesky-tiled-plugins cuts whole numbers in metadata, floats too, to 2^53 - 1, as if readers were JavaScript:
# a time in ns, a pulse id or 1e19 carriers per cm3 would come back as another number. The catalogue holds 64 bits.
tiled_writer.truncate_json_overflow = as_stored


class _FlushingWriter(_RunWriter):
    # TiledWriter writes after a number of events only, so that a slow run would show nothing for an hour. Its
    # writer of a single run has what is missing, under private names of bluesky-tiled-plugins 2.0.12 (pinned).

    def __init__(self, client: Any, *, is_embedded: bool) -> None:
        # Arrays of any size as zarr: tables hold nested lists, which databroker cannot read back as 5x2 arrays.
        super().__init__(client, batch_size=_NO_BATCHES, max_array_size=0)
        self._is_embedded = is_embedded

    def _close_stream_tree(self) -> None:
        # A server tells those who follow a run on web sockets that nothing more comes, with a request for each array
        # and table. The embedded one, which no socket reaches, does nothing then.
        if not self._is_embedded:
            super()._close_stream_tree()

    def add_row(self, event: Mapping[str, Any]) -> None:
        """Take an event whose data all go into the catalogue itself, as `event` does; numpy arrays are not copied."""
        stream = self._desc_nodes[event["descriptor"]].item["id"]
        row = {"seq_num": event["seq_num"], "time": event["time"], **event["data"]}
        row |= {f"ts_{key}": value for key, value in event["timestamps"].items()}
        self._internal_data_cache[stream].append(row)

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
    """Writer of the documents of one run into a catalogue; `flush` makes those that have arrived readable.

    Array columns get the numpy type of their first value if their descriptor declares none.
    """

    # A descriptor that leaves the type of an array open is held back in `_undeclared` until the first event of its
    # stream shows the type, as Tiled needs it when the array is created. A stream without events gets its descriptor
    # at the stop document. `_first_rows` is the number of rows of the first flush, which sets the size of every later
    # piece of the array: a run whose first flush was short ends in many pieces, and is then rewritten.

    def __init__(self, catalogue: Catalogue, client: Any = None) -> None:
        self._catalogue = catalogue
        connection = catalogue.connect() if client is None else client
        self._writer = _FlushingWriter(connection, is_embedded=catalogue.data is not None)
        self._normalizer = RunNormalizer()
        self._normalizer.subscribe(self._writer)
        self._data_keys: dict[str, dict[str, Any]] = {}
        self._undeclared: dict[str, Document] = {}
        self._rows: Counter[str] = Counter()
        self._first_rows: dict[str, int] = {}
        self._images = ImageRows()
        self._plain: dict[str, bool] = {}

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document; events are cached until `flush` or the stop document. Raises what Tiled raises."""
        self._images(name, doc)
        if name == "descriptor":
            self._data_keys[doc["uid"]] = doc["data_keys"]
            if _undeclared_arrays(doc["data_keys"]):
                self._undeclared[doc["uid"]] = doc
                return
        if name in ("event", "event_page"):
            self._declare(name, doc)
            doc = conform_document(name, doc, self._data_keys[doc["descriptor"]])
            if name == "event" and self._is_plain(doc):
                self._writer.add_row(doc)
                return
        if name == "stop":
            for descriptor in self._undeclared.values():
                self._normalizer("descriptor", descriptor)
            self.flush()
        self._normalizer(name, self._catalogue.addressed(doc) if name == "resource" else doc)

    def _is_plain(self, event: Document) -> bool:
        """Return whether the normalizer has nothing to do with an event: no images, and no names to be changed.

        It copies each event twice and validates it, which takes ten times as long as to make a row of it.
        """
        uid = event["descriptor"]
        if uid not in self._plain:
            keys = self._data_keys[uid]
            named = any(name in keys for name in tiled_writer.RESERVED_DATA_KEYS)
            self._plain[uid] = not named and not any("external" in key for key in keys.values())
        return self._plain[uid] and event["data"].keys() == self._data_keys[uid].keys()

    @property
    def is_to_be_rewritten(self) -> bool:
        """Whether the complete run should be written again with `write_run`: reading it would be slow or wrong."""
        return self._is_in_many_pieces or not self._images.are_straight

    @property
    def _is_in_many_pieces(self) -> bool:
        """Whether reading the run would be slow: its first flush had few rows, and so has every piece."""
        small = {stream: first for stream, first in self._first_rows.items() if first < _LARGE_PIECE}
        return any(math.ceil(self._rows[stream] / first) > _MANY_PIECES for stream, first in small.items())

    def flush(self) -> None:
        """Write all events that have arrived, and make them readable; takes 0.15 to 0.2 s. Raises what Tiled raises."""
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


def write_run(catalogue: Catalogue, documents: Iterable[NamedDocument], *, rehearsal: Catalogue | None = None) -> None:
    """Write a whole run, start to stop, in one piece, in place of any earlier copy.

    With a `rehearsal`, a trial catalogue, the run is written there before the earlier copy is deleted: a run that
    cannot be written keeps its copy. Raises `StorageError` if its images cannot be put in order, and what Tiled raises.
    """
    documents = list(conform_events(straightened(catalogue.relocated(documents))))
    client = catalogue.connect()
    if rehearsal is not None and is_in(client, documents[0][1]["uid"]):
        _write(rehearsal, documents)
    delete_run(client, catalogue.data, documents[0][1]["uid"])
    _write(catalogue, documents)


def _write(catalogue: Catalogue, documents: Iterable[NamedDocument]) -> None:
    writer = RunWriter(catalogue)
    for name, doc in documents:
        writer(name, doc)


def is_in(client: Any, uid: str) -> bool:
    """Return whether the catalogue has the run `uid`; a client would also accept the beginning of another uid."""
    try:
        return bool(client[uid].item["id"] == uid)
    except (KeyError, ValueError):
        return False


def delete_run(client: Any, data: Path | None, uid: str) -> None:
    """Delete the run `uid`, its tables and its arrays from the catalogue, if it is there.

    `data` is the embedded catalogue's folder of arrays. A process that was killed while it created an array leaves the
    file without an entry, and Tiled then refuses to create that array again. Raises OSError if a file stays.
    """
    if is_in(client, uid):
        client[uid].delete(recursive=True, external_only=False)
    if data is not None and (data / uid).is_dir():
        shutil.rmtree(data / uid)


def _undeclared_arrays(data_keys: dict[str, Any]) -> list[str]:
    return [
        key
        for key, declared in data_keys.items()
        if declared["dtype"] == "array" and "dtype_numpy" not in declared and "external" not in declared
    ]
