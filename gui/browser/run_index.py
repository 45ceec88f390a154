"""All runs of a store, newest first: quickly from the journals, completely from the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gui.browser.search import ListedRun
from storage import RunSummary, Store, list_runs, load_run
from storage.documents import NamedDocument
from storage.journal import journal_paths, uid_of
from storage.notes import Note, RunNotes
from storage.records import read_start
from storage.runs import needs_catalogue


class RunIndex:
    """Index of the runs of `store`; a function is called whenever the current store is needed.

    Every method may take seconds, so call it in a worker thread. Several threads may call methods; lists are made one
    at a time.
    """

    def __init__(self, store: Store | Callable[[], Store]) -> None:
        self._given = store
        self._starts: dict[str, dict[str, Any]] = {}
        self._only_catalogued: list[ListedRun] = []
        self._notes: RunNotes | None = None
        self._lock = threading.Lock()

    @property
    def _store(self) -> Store:
        return self._given if isinstance(self._given, Store) else self._given()

    def journals(self, limit: int | None = None) -> list[ListedRun]:
        """Return all runs with a journal, running ones too, or the newest `limit` of them.

        Runs that only the catalogue has are included once `everything` has found them. Raises StorageError if the data
        folder cannot be read.
        """
        with self._lock:
            found = self._listed(list_runs(self._store, limit=limit, journals_only=True))
            known = {run.summary.uid for run in found}
            older = [] if limit is not None else [run for run in self._only_catalogued if run.summary.uid not in known]
            return sorted([*found, *older], key=lambda run: run.summary.time_s, reverse=True)

    def everything(self) -> list[ListedRun]:
        """Return all runs, including those that only the catalogue has; it is opened (3 s) if there are such runs.

        Raises StorageError.
        """
        store = self._store
        if needs_catalogue(store):
            # Opened before the lock is taken, so that other threads need not wait for it.
            _ = store.catalogue
        with self._lock:
            summaries = list_runs(store)
            journaled = self._read_journals({summary.uid for summary in summaries})
            missing = {summary.uid for summary in summaries} - journaled - self._starts.keys()
            if missing:
                self._read_catalogue(missing)
            found = self._listed(summaries)
            self._only_catalogued = [run for run in found if run.summary.uid not in journaled]
            return found

    def documents(self, uid: str) -> list[NamedDocument]:
        """Return all documents of a run so far. Raises StorageError if it cannot be read."""
        return load_run(self._store, uid)

    def export(self, uids: Sequence[str], file_format: str, folder: Path, *, combine: bool) -> list[Path]:
        """Export runs, one by one or combined; return the files. Raises the same errors as `export_runs`."""
        # With HDF5 and all formats: a list of runs needs none of them.
        from storage.export.runs import export_runs

        return export_runs(self._store, uids, file_format, folder, combine=combine)

    def _listed(self, summaries: list[RunSummary]) -> list[ListedRun]:
        self._read_journals({summary.uid for summary in summaries})
        if self._notes is None:
            self._notes = RunNotes(self._store.root)
        notes = self._notes.all()
        return [
            ListedRun(summary=summary, start=self._starts[summary.uid], note=notes.get(summary.uid, Note()))
            for summary in summaries
            if summary.uid in self._starts
        ]

    def _read_journals(self, uids: set[str]) -> set[str]:
        """Read the start documents of new journals; return those of `uids` that have a journal."""
        found = {uid_of(path): path for path in journal_paths(self._store.root)}
        for uid in uids & found.keys() - self._starts.keys():
            self._starts[uid] = read_start(found[uid])
        return uids & found.keys()

    def _read_catalogue(self, uids: set[str]) -> None:
        for uid, run in self._store.catalogue.connect().items():
            if uid in uids:
                self._starts[uid] = dict(run.metadata["start"])
