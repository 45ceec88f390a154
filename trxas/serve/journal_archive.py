"""The journal as what the relay fills its gaps with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from broadcast.wire import NamedDocument
from errors import StorageError
from storage import find_starts, load_run, open_store
from storage.journal import journal_paths, uid_of


class JournalArchive:
    """Runs of a data folder, read from their journals alone: the catalogue takes seconds to open."""

    def __init__(self, root: Path) -> None:
        self._store = open_store(root, recover_runs=False)

    def newest(self) -> str | None:
        """Uid of the run that began last."""
        paths = journal_paths(self._store.root)
        return uid_of(paths[-1]) if paths else None

    def of_series(self, series: str) -> Sequence[str]:
        """Uids of the runs whose start document names the series, oldest first."""
        return [start["uid"] for start in find_starts(self._store, series=series)]

    def load(self, uid: str) -> Sequence[NamedDocument]:
        """The run's documents so far; raises StorageError if it has no journal here."""
        if not any(uid_of(path) == uid for path in journal_paths(self._store.root)):
            raise StorageError(
                f"Run {uid} has no journal in {self._store.root}. Serve the folder that its session writes to."
            )
        return load_run(self._store, uid)
