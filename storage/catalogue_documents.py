"""The documents of a run, rebuilt from the columns in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storage.documents import conform_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.documents import Document, NamedDocument


def run_documents(run: Any) -> list[NamedDocument]:
    """Return the documents of `run` (a Tiled client of a run): start, descriptors, event pages, stop.

    The data columns of a page are lists, of numpy arrays for array data. While a run is being written its columns may
    differ in length: only complete events are returned. The catalogue does not store the uids of events, so they get
    new ones. Raises what Tiled raises if a file cannot be read.
    """
    stop = run.metadata.get("stop")
    documents: list[NamedDocument] = [("start", dict(run.metadata["start"]))]
    for name in run:
        descriptors = run[name].descriptors
        if any("external" in declared for declared in descriptors[0]["data_keys"].values()):
            # Frames in files: Tiled's exporter makes the documents that refer to them, at 0.5 ms an event.
            return [(kind, dict(doc)) for kind, doc in run.documents()]
        documents += [("descriptor", dict(descriptor)) for descriptor in descriptors]
        documents += [("event_page", page) for page in _pages(run[name], descriptors)]
    if stop:
        documents.append(("stop", dict(stop)))
    return list(conform_events(documents))


def _pages(stream: Any, descriptors: list[Document]) -> Iterator[Document]:
    node = stream.base
    if "internal" not in node.keys():  # noqa: SIM118  a client's `in` compares objects
        return
    table = node["internal"].read()
    columns = {key: table[key].to_numpy() for key in table.columns}
    columns |= {key: node[key].read() for key in node.keys() if key != "internal"}  # noqa: SIM118  as above
    length = min(len(column) for column in columns.values())
    columns = {key: column[:length] for key, column in columns.items()}
    # Descriptors of one stream follow each other in time; an event belongs to the last one before it.
    owner = np.searchsorted([d["time"] for d in descriptors[1:]], columns["time"], side="right")
    for index, descriptor in enumerate(descriptors):
        rows = np.flatnonzero(owner == index)
        if len(rows):
            yield _page(descriptor, {key: column[rows] for key, column in columns.items()})


def _page(descriptor: Document, columns: dict[str, Any]) -> Document:
    keys = [key for key in descriptor["data_keys"] if key in columns]
    return {
        "descriptor": descriptor["uid"],
        "uid": [f"{descriptor['uid']}-{number}" for number in columns["seq_num"]],
        "seq_num": columns["seq_num"].tolist(),
        "time": columns["time"].tolist(),
        "data": {key: _rows(columns[key]) for key in keys},
        "timestamps": {key: columns[f"ts_{key}"].tolist() for key in keys},
        "filled": {},
    }


def _rows(column: Any) -> list[Any]:
    return list(column) if column.ndim > 1 else column.tolist()
