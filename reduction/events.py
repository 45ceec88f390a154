"""Events of a run, whether they come one by one or in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reduction.types import Document

PRIMARY = "primary"
"""Name of the stream that holds the exposures of a scan; others, as "suspension", hold what happened between them."""


def events_of(name: str, doc: Document) -> Iterator[Document]:
    """Yield the events that a document holds, in order.

    An event is yielded as it is. A page is yielded row by row: `descriptor`, `data`, and of `uid`, `seq_num`, `time`
    and `timestamps` what the page has. Other documents hold none.
    """
    if name == "event":
        yield doc
    elif name == "event_page":
        columns = [key for key in ("uid", "seq_num", "time") if key in doc]
        tables = [key for key in ("data", "timestamps") if key in doc]
        for row in range(len(doc["seq_num"])):
            event = {"descriptor": doc["descriptor"]} | {key: doc[key][row] for key in columns}
            yield event | {key: {field: values[row] for field, values in doc[key].items()} for key in tables}
