"""The night's table on a terminal, and the search for its runs."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from typing import TYPE_CHECKING, Any

from gui.browser.run_index import RunIndex
from gui.browser.search import parse_search
from storage import list_runs
from storage.table.cells import column_remarks, column_titles, texts, user_names
from trxas.terminal.tables import print_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage import RunSummary, Store
    from storage.notes import RunNotes
    from storage.table.columns import UserColumns
    from storage.table.night_table import NightRow

RIGHT = ("scan", "points", "photons")
LEFT_OUT_FIRST = (
    "uid", "photons", "points", "plan", "delay", "null tests", "edge", "tags", "state", "transient", "rating",
)  # fmt: skip
"""Columns that a narrow terminal does without, in this order."""

FOLDED_WIDTH = 30
"""Smallest width of a comment, and largest width of a user's cell, on a terminal, characters."""


def find_runs(store: Store, *, search: str = "", limit: int | None = None) -> list[RunSummary]:
    """Return the newest runs that fit a search, newest first, `limit` at most.

    Raises InputError for a search that cannot be understood, StorageError if the runs cannot be read.
    """
    wanted = parse_search(search)
    # Without conditions the newest summaries are enough; a search has to read every run and its note.
    if not wanted.terms:
        return list_runs(store, limit=limit)
    return [run.summary for run in RunIndex(store).everything() if wanted.fits(run)][:limit]


def reducing(done: int, number: int) -> None:
    """Show on standard error how many of the `number` runs that had to be reduced are done; only on a terminal."""
    if sys.stderr.isatty():
        end = "\r\033[K" if done == number else ""
        print(f"\rReducing run {min(done + 1, number)} of {number} ...{end}", end="", file=sys.stderr, flush=True)


def print_night(rows: Sequence[NightRow], columns: UserColumns) -> None:
    """Print the rows, and remarks on the user's columns; a terminal gets as many columns as fit, in characters."""
    titles = column_titles(columns, rows)
    names = user_names(columns, rows)
    cells = [texts(row, columns, names) for row in rows]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if width is not None:
        cells = [[_short(text, title) for text, title in zip(line, titles, strict=True)] for line in cells]
    # Empty columns are left out before others have to be.
    shown = [title for title in titles if title in ("uid", "time") or any(line[titles.index(title)] for line in cells)]
    left_out = _too_many(shown, {title: [line[titles.index(title)] for line in cells] for title in titles}, width)
    kept = [title for title in shown if title not in left_out]
    places = [titles.index(title) for title in kept]
    print_table(table(kept, [[line[place] for place in places] for line in cells], right=RIGHT))
    for remark in column_remarks(rows, columns):
        print(remark)
    if left_out:
        print(f"Left out to fit the terminal: {', '.join(left_out)}. A file has all columns (.md, .csv or .html).")


def _short(text: str, title: str) -> str:
    """Return a cell as a terminal has room for it: the time to the minute, others to `FOLDED_WIDTH` characters."""
    if title == "time":
        return text[5:16]
    return text if title == "comment" or len(text) <= FOLDED_WIDTH else f"{text[: FOLDED_WIDTH - 1]}…"


def _too_many(titles: Sequence[str], cells: dict[str, list[str]], width: int | None) -> list[str]:
    """Return the columns to leave out for a terminal of `width` characters, none if that is None."""
    if width is None:
        return []
    # Two characters separate columns. Comments fold, so they need not fit in one line.
    widths = {title: 2 + max(len(title), *(len(text) for text in cells[title])) for title in titles}
    widths |= {"comment": min(widths["comment"], FOLDED_WIDTH)} if "comment" in widths else {}
    left_out: list[str] = []
    for title in (one for one in LEFT_OUT_FIRST if one in widths):
        if sum(widths.values()) <= width:
            break
        left_out.append(title)
        del widths[title]
    return left_out


def night_facts(row: NightRow) -> dict[str, Any]:
    """Return a row as plain data: the run's summary, its note, and its reduced numbers or None."""
    return {
        **dataclasses.asdict(row.run),
        "note": dataclasses.asdict(row.note),
        "reduced": None if row.reduced is None else row.reduced.as_record(),
    }


def note_text(uid: str, notes: RunNotes) -> str:
    """Return the note of a run as lines of text; raises StorageError if notes cannot be read."""
    note = notes.all().get(uid)
    if note is None:
        return f"Run {uid[:8]} has no note."
    return "\n".join(
        [
            f"{'run':<10} {uid}",
            f"{'comment':<10} {note.comment}",
            f"{'rating':<10} {note.stars}",
            f"{'tags':<10} {', '.join(note.tags)}",
            f"{'changed by':<10} {note.by}",
        ]
    )
