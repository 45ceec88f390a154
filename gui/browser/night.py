"""The night's table of the current store, as jobs of the browser's threads compute and change it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import InputError
from gui.number_entry import read_number
from storage import RunSummary, Store
from storage.notes import HIGHEST_RATING, tags_in
from storage.table.cells import column_remarks
from storage.table.columns import UserColumns
from storage.table.formats import write_table
from storage.table.night_table import NightRow, NightTable

ROWS_PER_JOB = 2
"""Rows that one job computes, so that the first rows appear soon and other jobs are not kept waiting."""


@dataclass(frozen=True, kw_only=True)
class NightAnswer:
    """Rows of the table and the user's columns; `is_complete` is False while rows have to be computed."""

    rows: Sequence[NightRow]
    columns: UserColumns
    is_complete: bool

    @property
    def remarks(self) -> list[str]:
        """Sentences on problems with the user's columns, each with its remedy."""
        return column_remarks(self.rows, self.columns)


class Night:
    """The table of the runs of `store`; a function is called whenever the current store is needed.

    Methods may take seconds, so call them in a worker thread.
    """

    def __init__(self, store: Store | Callable[[], Store]) -> None:
        self._given = store
        self._lock = threading.Lock()
        self._tables: dict[int, NightTable] = {}

    def rows(self, runs: Sequence[RunSummary], *, recompute: bool = False) -> NightAnswer:
        """Return the rows of these runs; of those that have ended, a few more are computed by each call.

        Raises StorageError if rows or notes cannot be read.
        """
        # A run that is being measured would be reduced every few seconds, which the live panels do already.
        table = self._table()
        ended = [run for run in runs if run.status != "running"]
        table.rows(ended, recompute=recompute, most=None if recompute else ROWS_PER_JOB)
        rows = table.rows(runs, compute=False)
        missing = any(row.reduced is None for row in rows if row.run.status != "running")
        return NightAnswer(rows=rows, columns=table.columns(), is_complete=not missing)

    def change(self, uid: str, column: str, text: str) -> None:
        """Change the note of a run to what was typed into a column: "Rating", "Tags" or "Comment".

        Raises InputError for a rating that is not a whole number from 0 to 5, StorageError if it cannot be stored.
        """
        notes = self._table().notes
        if column == "Tags":
            notes.set_tags(uid, tags_in(text))
        elif column == "Rating":
            notes.change(uid, rating=_rating(text))
        else:
            notes.change(uid, comment=text)

    def save(self, path: Path, rows: Sequence[NightRow]) -> None:
        """Write these rows to a file, .md, .csv or .html; raises InputError for another ending, or StorageError."""
        write_table(path, rows, self._table().columns())

    def _table(self) -> NightTable:
        store = self._given if isinstance(self._given, Store) else self._given()
        with self._lock:
            return self._tables.setdefault(id(store), NightTable(store))


def _rating(text: str) -> int:
    """Return the rating in a text: a number, or as many stars as it has."""
    if set(text.strip()) <= {"★", "*"}:
        return len(text.strip())
    rating = read_number(text, "rating").value
    if rating != int(rating):
        raise InputError(f"The rating {text!r} is not a whole number. Type 0 to {HIGHEST_RATING}.")
    return int(rating)
