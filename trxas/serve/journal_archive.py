"""The journals of a data folder, from which the relay fills gaps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from broadcast.wire import NamedDocument
from errors import StorageError
from storage import find_starts, load_run, open_store
from storage.journal import journal_paths, uid_of


class JournalArchive:
    """Runs of a data folder, read from their journals alone, as the catalogue takes seconds to open."""

    def __init__(self, root: Path) -> None:
        self._store = open_store(root, recover_runs=False)

    def newest(self) -> str | None:
        """Return the uid of the run that started last, None if there is none."""
        paths = journal_paths(self._store.root)
        return uid_of(paths[-1]) if paths else None

    def of_series(self, series: str) -> Sequence[str]:
        """Return the uids of the runs of a series, oldest first. Raises StorageError if a journal cannot be read."""
        return [start["uid"] for start in find_starts(self._store, series=series)]

    def load(self, uid: str) -> Sequence[NamedDocument]:
        """Return the documents of a run so far; raise StorageError if it has no journal in this folder."""
        # The catalogue would be opened for a run without a journal, which takes seconds, in a process that must answer
        # windows at once. A session of this folder always has a journal.
        if not any(uid_of(path) == uid for path in journal_paths(self._store.root)):
            raise StorageError(
                f"Run {uid} has no journal in {self._store.root}. Serve the folder that its session writes to."
            )
        return load_run(self._store, uid)
