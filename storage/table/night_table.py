"""The night's table: rows of runs, computed once and saved beside the runs, with notes and the user's own columns."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from errors import StorageError
from processes.cluster import Cluster
from reduction.xas.calibration_plans import CALIBRATION_PLANS
from storage.journal import journal_paths
from storage.line_journal import LineJournal
from storage.notes import Note, RunNotes
from storage.records import read_start
from storage.table.columns import UserColumns, read_columns
from storage.table.row import ReducedRow, reduction_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from storage.documents import Document
    from storage.runs import RunSource, RunSummary
    from storage.table.computed_row import RowComputer

logger = logging.getLogger("trxas")

HERE = Cluster()
"""This process alone."""

UNSAVED = ("running",)
"""States of runs whose rows are not saved, because they still change."""


@dataclass(frozen=True, kw_only=True)
class NightRow:
    """One row of the table: the run, its note, and its reduced numbers, None while they are not computed."""

    run: RunSummary
    note: Note
    reduced: ReducedRow | None


class NightTable:
    """The table of the runs of a store; several threads and processes may use tables of one data folder.

    `notes` are those of the folder.
    """

    # Rows are saved in `<root>/rows.jsonl`, a record per computed row. A record holds for the run, its state, and the
    # version of the code; the newest record of a run counts. Two processes that compute the same row at the same time
    # write two equal records. Rows of runs that are being measured are kept in memory only. A cell of a user's column
    # stays as it was computed until somebody asks for it to be computed again, with the version of its file.

    def __init__(self, store: RunSource) -> None:
        self._store = store
        self._journal = LineJournal(store.root / "rows.jsonl")
        self._rows: dict[tuple[str, str], ReducedRow] = {}
        self._parsed = 0
        self._memory: dict[str, tuple[str, ReducedRow]] = {}
        self._lock = threading.Lock()
        self._computer: RowComputer | None = None
        self._starts: dict[Path, Document] = {}
        self.notes = RunNotes(store.root)

    def columns(self) -> UserColumns:
        """Return the user's own columns as their file is at the moment; raises nothing."""
        return read_columns(self._store.root)

    def rows(
        self,
        runs: Sequence[RunSummary],
        *,
        compute: bool = True,
        recompute: bool = False,
        most: int | None = None,
        progress: Callable[[int, int], object] | None = None,
        cluster: Cluster = HERE,
    ) -> list[NightRow]:
        """Return the rows of these runs, in their order.

        Rows that were never computed are computed now, which takes up to some seconds each, unless `compute` is False;
        `progress` is called with the number of rows that are done and have to be computed, and `most` is how many of
        them one call computes. With `recompute` the user's columns are computed again where their file has changed
        since. The processes of `cluster` need the data folder at the same path. Raises StorageError if notes or rows
        cannot be read; a run that cannot be read has the reason in its row.
        """
        columns = self.columns()
        notes = self.notes.all()
        saved = self._saved()
        later = self._calibrations(runs)
        states = {run.uid: " ".join([_state(run, runs), *later.get(run.uid, ())]) for run in runs}
        found = {run.uid: saved.get((run.uid, states[run.uid])) for run in runs}
        if compute:
            missing = [run for run in runs if _is_missing(found[run.uid], columns, recompute=recompute)][:most]
            computed = self._computed(missing, columns, found, cluster)
            if missing and progress is not None:
                progress(0, len(missing))
            for number, (run, (row, is_readable)) in enumerate(zip(missing, computed, strict=True), start=1):
                self._save(run, states[run.uid], row, is_readable=is_readable)
                found[run.uid] = row
                if progress is not None:
                    progress(number, len(missing))
        return [NightRow(run=run, note=notes.get(run.uid, Note()), reduced=found[run.uid]) for run in runs]

    def _calibrations(self, runs: Sequence[RunSummary]) -> dict[str, list[str]]:
        """Return the runs that calibrate each of the `runs`, by uid: foils and gates of its series that have ended.

        A saved row is that of its calibrations, so it is computed again when one has been measured after the run.
        """
        running = {run.uid for run in runs if run.status in UNSAVED}
        starts = self._series_starts()
        found: dict[str, list[str]] = {}
        for start in starts:
            if start.get("plan_name") in CALIBRATION_PLANS and start["uid"] not in running:
                found.setdefault(str(start["series"]), []).append(str(start["uid"])[:8])
        return {
            str(start["uid"]): found[series]
            for start in starts
            if (series := str(start["series"])) in found and start.get("plan_name") not in CALIBRATION_PLANS
        }

    def _series_starts(self) -> list[Document]:
        """Return uid, plan and series of every run of a series; each journal is read once."""
        for path in journal_paths(self._store.root):
            if path in self._starts:
                continue
            try:
                start = read_start(path)
            except StorageError:
                # Not remembered: a journal may have been opened a moment ago.
                continue
            self._starts[path] = {key: start.get(key) for key in ("uid", "plan_name", "series")}
        return [start for start in self._starts.values() if start["series"]]

    def _saved(self) -> dict[tuple[str, str], ReducedRow]:
        with self._lock:
            records = self._journal.read()
            if len(records) < self._parsed:
                # The file was replaced.
                self._rows.clear()
                self._parsed = 0
            for record in records[self._parsed :]:
                if record.get("version") == reduction_version() and (row := _row_of(record)) is not None:
                    self._rows[str(record["run"]), str(record["state"])] = row
            self._parsed = len(records)
            return {**self._rows, **{(uid, state): row for uid, (state, row) in self._memory.items()}}

    def _computed(
        self,
        runs: Sequence[RunSummary],
        columns: UserColumns,
        earlier: Mapping[str, ReducedRow | None],
        cluster: Cluster,
    ) -> Iterator[tuple[ReducedRow, bool]]:
        """Yield the row of each run, and whether the run could be read."""
        if not runs:
            return iter(())
        # Imported for runs that have no saved row only: a list of known runs needs no fits, whose import takes 1 s.
        from storage.table.computed_row import RowComputer, computed_elsewhere

        if cluster == HERE:
            computer = self._computer = self._computer or RowComputer(self._store)
            return (computer(run.uid, columns, earlier[run.uid]) for run in runs)
        # Others open the folder themselves: neither a store nor a user's functions can be sent to another process.
        return cluster.map(computed_elsewhere, [(self._store.root, run.uid, earlier[run.uid]) for run in runs])

    def _save(self, run: RunSummary, state: str, row: ReducedRow, *, is_readable: bool) -> None:
        with self._lock:
            # No file has the row of a run that cannot be read, as the run may be repaired.
            if run.status in UNSAVED or not is_readable:
                self._memory[run.uid] = (state, row)
                return
            record = {"run": run.uid, "state": state, "version": reduction_version(), "row": row.as_record()}
            try:
                self._journal.append([record])
            except StorageError as error:
                # An archive or a colleague's folder: the table is shown all the same, and computed again next time.
                logger.debug("%s", error)
                self._memory[run.uid] = (state, row)


def _state(run: RunSummary, runs: Sequence[RunSummary]) -> str:
    """Return the facts whose change makes a saved row outdated: state and length of the run and its resumptions.

    A resumed run is reduced together with the runs that resumed it, see `load_dataset`.
    """
    first = run.resumes or run.uid
    others = sorted(one.uid[:8] for one in runs if first in (one.uid, one.resumes) and one.uid != run.uid)
    return " ".join([run.status, str(run.points_done), *others])


def _is_missing(row: ReducedRow | None, columns: UserColumns, *, recompute: bool) -> bool:
    if row is None:
        return True
    if not recompute:
        return False
    # A file that cannot be executed at the moment leaves the cells as they are.
    return not columns.problem and (
        row.cells.keys() != columns.functions.keys()
        or any(cell.version != columns.version for cell in row.cells.values())
    )


def _row_of(record: Mapping[str, Any]) -> ReducedRow | None:
    try:
        return ReducedRow.from_record(record["row"])
    except (TypeError, KeyError, AttributeError):
        return None
