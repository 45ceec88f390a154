"""A data folder with runs in it, written as a session writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from storage.journal import Journal
from tests.support.types import NamedDocument


class StoredRuns:
    """Writes journals under `root`; runs without a stop document stay open until `close`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._journal = Journal(root)

    def write(self, documents: Sequence[NamedDocument]) -> None:
        """Write documents of one run, in one go or in several."""
        for name, doc in documents:
            self._journal(name, doc)

    def close(self) -> None:
        """As a session that ends; open runs are then interrupted ones."""
        self._journal.close()


def later(documents: Sequence[NamedDocument], by_s: float) -> list[NamedDocument]:
    """The same run `by_s` seconds later, with descriptors that declare their data, as a catalogue needs."""
    (first, *_) = [doc["data"] for name, doc in documents if name == "event"]
    declared = {"data_keys": {key: _data_key(value) for key, value in first.items()}}
    moved: list[NamedDocument] = []
    for name, doc in documents:
        own = declared | {"configuration": {}, "hints": {}, "object_keys": {}} if name == "descriptor" else {}
        own |= {"timestamps": dict.fromkeys(doc["data"], doc["time"] + by_s)} if name == "event" else {}
        moved.append((name, {**doc, **own, "time": doc["time"] + by_s}))
    return moved


def _data_key(value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        return {"source": "test", "dtype": "array", "shape": list(value.shape), "dtype_numpy": value.dtype.str}
    kind = "string" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"
    return {"source": "test", "dtype": kind, "shape": []}
