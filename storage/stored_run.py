"""Documents of a run whose journal is too long for the memory: they are read again whenever they are looked through."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.types import Documents
    from storage.documents import NamedDocument


class StoredRun(Sequence["NamedDocument"]):
    """Documents of a run in order, as a list of them; only the first and the last one stay in memory.

    `read` returns an iterator over all documents from the first one on, each time it is called. Raises what it raises;
    IndexError for a place beyond the last document.
    """

    def __init__(self, read: Callable[[], Iterator[NamedDocument]]) -> None:
        self._read = read
        self._first: NamedDocument | None = None
        self._last: NamedDocument | None = None
        self._length = 0

    def __iter__(self) -> Iterator[NamedDocument]:
        number = 0
        last: NamedDocument | None = None
        for last in self._read():
            number += 1
            yield last
        self._last = last
        self._length = number

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def __len__(self) -> int:
        self._look_through()
        return self._length

    @overload
    def __getitem__(self, place: int) -> NamedDocument: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[NamedDocument]: ...
    def __getitem__(self, place: int | slice) -> NamedDocument | Sequence[NamedDocument]:
        # Passes from the beginning, the first and the last document are cheap; a slice is read into memory as a whole.
        if isinstance(place, slice):
            return list(self)[place]
        if place == -1:
            self._look_through()
            found = self._last
        elif place == 0:
            self._first = self._first or next(iter(self), None)
            found = self._first
        else:
            found = next(itertools.islice(self, place if place >= 0 else len(self) + place, None), None)
        if found is None:
            raise IndexError(f"The run has no document {place}.")
        return found

    def _look_through(self) -> None:
        """Read all documents once, to know the last one and their number."""
        # Any complete pass fills in the last document and the number, so this reads nothing after a reduction.
        if self._last is None:
            for _ in self:
                pass


def with_start(documents: Documents, start: Mapping[str, Any]) -> Documents:
    """Return the documents of a run with another start document; raises nothing, also for a run without any."""
    if isinstance(documents, StoredRun):
        stored = documents
        return StoredRun(lambda: itertools.chain([("start", dict(start))], itertools.islice(stored, 1, None)))
    return [("start", start), *documents[1:]]
