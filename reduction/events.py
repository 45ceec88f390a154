"""Events of a run, whether they come one by one or in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import ReductionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reduction.types import Document

PRIMARY = "primary"
"""Name of the stream that holds the exposures of a scan; others, such as "suspension", hold what happened between."""

SUSPENSION = "suspension"
"""Stream in which a run records that it waits for the beamline, and that it continues."""


def events_of(name: str, doc: Document) -> Iterator[Document]:
    """Yield the events that a document holds, in order.

    An event is yielded as it is. A page is yielded row by row: `descriptor`, `data`, and those of `uid`, `seq_num`,
    `time` and `timestamps` that the page has. Other documents hold none.
    """
    if name == "event":
        yield doc
    elif name == "event_page":
        columns = [key for key in ("uid", "seq_num", "time") if key in doc]
        tables = [key for key in ("data", "timestamps") if key in doc]
        # A page holds columns; rows are built one at a time, since a page of a night would double the memory as a list.
        for row in range(len(doc["seq_num"])):
            event = {"descriptor": doc["descriptor"]} | {key: doc[key][row] for key in columns}
            yield event | {key: {field: values[row] for field, values in doc[key].items()} for key in tables}


def columns_of(name: str, doc: Document) -> tuple[Document, Sequence[float]]:
    """Return the data of an event, or of a page of events, as columns by field, and the times, s, of the events."""
    if name == "event":
        return {key: [value] for key, value in doc["data"].items()}, [float(doc.get("time", 0.0))]
    return doc["data"], doc.get("time", [0.0] * len(doc["seq_num"]))


class PrimaryEvents:
    """Filter for the exposures of a run: call it with every `(name, document)` of the run, in order.

    An event belongs to the stream of its descriptor. `strict` refuses an event whose descriptor has not arrived;
    otherwise such an event is left out.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._streams: dict[str, str] = {}
        self._strict = strict

    def __call__(self, name: str, doc: Document) -> list[Document]:
        """Return the events of the primary stream in this document; raises ReductionError if `strict` refuses one."""
        if name == "descriptor":
            self._streams[doc["uid"]] = doc.get("name", PRIMARY)
        # First the stream: the rows of a page of 100 frames of another one would be made for nothing.
        if name not in ("event", "event_page") or not self._is_primary(doc["descriptor"]):
            return []
        return list(events_of(name, doc))

    def _is_primary(self, descriptor: str) -> bool:
        if self._strict and descriptor not in self._streams:
            raise ReductionError("An event arrived before its descriptor: feed the run's documents in order.")
        return self._streams.get(descriptor) == PRIMARY
