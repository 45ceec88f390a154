"""Documents of a run: which run they belong to, the types of their values, and the number of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Document: TypeAlias = dict[str, Any]
"""One document of the bluesky event model, a copy that its owner may change."""

NamedDocument: TypeAlias = tuple[str, Document]
"""Name of a document ("start", "event", ...) and the document."""


class RunOfDocument:
    """Index that finds the run of each document, also of interleaved runs, by the references in the documents."""

    def __init__(self) -> None:
        self._run_of: dict[str, str] = {}

    def uid(self, name: str, doc: Mapping[str, Any]) -> str:
        """Return the uid of the run that `doc` belongs to.

        Raises `StorageError` for a document that refers to no earlier one.
        """
        # By far the most documents, in the time in which nothing is counted.
        if name == "event" and (run := self._run_of.get(doc.get("descriptor", ""))):
            return run
        uid = self._find(name, doc)
        for key in ("uid", "datum_id"):
            if key in doc and name not in ("event", "event_page", "stop"):
                self._run_of[doc[key]] = uid
        return uid

    def forget(self, uid: str) -> None:
        """Drop the references of the run `uid`; to be called after its stop document."""
        self._run_of = {reference: run for reference, run in self._run_of.items() if run != uid}

    def _find(self, name: str, doc: Mapping[str, Any]) -> str:
        if name == "start":
            return str(doc["uid"])
        if doc.get("run_start"):
            return str(doc["run_start"])
        for key in ("descriptor", "resource", "stream_resource"):
            if doc.get(key) in self._run_of:
                return self._run_of[doc[key]]
        # No known reference, as in a kind of document that is newer than this code. With one open run there is no
        # doubt; with several, a guess could put the document into the wrong journal.
        open_runs = set(self._run_of.values())
        if len(open_runs) == 1:
            return open_runs.pop()
        raise StorageError(
            f"A {name} document belongs to none of the {len(open_runs)} open runs. "
            "Subscribe the store before the run starts, and to one RunEngine only."
        )


def conform(value: Any, data_key: Mapping[str, Any]) -> Any:
    """Return `value` with the type that its data key declares, unless that would change a digit.

    Arrays become numpy arrays of `dtype_numpy` (float64 if not declared), of their own shape; scalars become int,
    float, bool or str. A value that the declared type cannot hold keeps its own: measured values are never rounded.
    """
    if "external" in data_key or value is None:
        return value
    if data_key["dtype"] == "array":
        return _lossless(np.asarray(value), np.dtype(data_key.get("dtype_numpy") or _own_dtype(value)))
    # Catalogues read one type per column. A conversion that would change a digit is not made: the value then keeps its
    # own type.
    if isinstance(value, np.generic | np.ndarray):
        value = value.item()
    if data_key["dtype"] == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if int(float(value)) == value else value
    if data_key["dtype"] == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def conform_events(documents: Iterable[NamedDocument]) -> Iterator[NamedDocument]:
    """Yield the documents, with the data of events and event pages as `conform` returns them."""
    data_keys: dict[str, dict[str, Any]] = {}
    for name, doc in documents:
        if name == "descriptor":
            data_keys[doc["uid"]] = doc["data_keys"]
        yield name, conform_document(name, doc, data_keys.get(doc.get("descriptor", ""), {}))


def conform_document(name: str, doc: Document, data_keys: Mapping[str, Any]) -> Document:
    """Return an event or event page with data as `conform` returns them, and any other document unchanged.

    Fields without an entry in `data_keys`, which give type and shape by field, are left as they are.
    """
    if name == "event":
        data = {k: conform(v, data_keys[k]) if k in data_keys else v for k, v in doc["data"].items()}
        return {**doc, "data": data}
    if name == "event_page":
        return {**doc, "data": {k: _conform_column(column, data_keys.get(k)) for k, column in doc["data"].items()}}
    return doc


def count_events(documents: Iterable[NamedDocument]) -> dict[str, int]:
    """Return the number of events of each stream, in the form of a stop document's `num_events`.

    Raises KeyError for an event whose descriptor is missing.
    """
    streams: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name, doc in documents:
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
            counts.setdefault(doc["name"], 0)
        elif name == "event":
            counts[streams[doc["descriptor"]]] += 1
        elif name == "event_page":
            counts[streams[doc["descriptor"]]] += len(doc["seq_num"])
    return counts


def _own_dtype(value: Any) -> np.dtype[Any]:
    # A later event may hold fractions where this list holds whole numbers, hence float64 unless it is an array.
    array = np.asarray(value)
    return array.dtype if isinstance(value, np.ndarray) or array.dtype.kind not in "iu" else np.dtype("f8")


def _lossless(array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if array.dtype == dtype or dtype.kind not in "biuf" or array.dtype.kind not in "biuf":
        return array
    with np.errstate(invalid="ignore", over="ignore"):
        converted = array.astype(dtype)
    return converted if np.array_equal(converted, array, equal_nan=array.dtype.kind == "f") else array


def _conform_column(column: Any, data_key: Mapping[str, Any] | None) -> Any:
    return column if data_key is None else [conform(value, data_key) for value in column]
