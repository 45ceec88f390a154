"""The night's table and notes on runs at the prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from storage import RunKey, Store
from storage.notes import tags_in
from storage.runs import find_uid
from storage.table.formats import write_table
from storage.table.night_table import NightTable
from trxas.results.night import find_runs, note_text, print_night, reducing


def night_functions(store: Store) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return the functions `night` and `note` for one store.

    They raise StorageError for an unknown run, and InputError for a search or a tag that cannot be understood.
    """
    table = NightTable(store)

    def night(search: str = "", limit: int = 50, *, to: str | Path = "", recompute: bool = False) -> None:
        """Print the table of the night, newest run first: results, null tests, notes, and your own columns.

        `search`: words, also of comments and tags, and conditions such as 'edge="Br K" rating>=4'. `to` writes the
        table to a file instead, .md, .csv or .html. `recompute` computes your columns again after a change of
        `columns.py` in the data folder.
        """
        runs = find_runs(store, search=search, limit=limit)
        rows = table.rows(runs, recompute=recompute, progress=reducing)
        if to:
            write_table(Path(to), rows, table.columns())
        else:
            print_night(rows, table.columns())

    def note(
        key: RunKey = -1,
        comment: str | None = None,
        *,
        rating: int | None = None,
        tags: str = "",
        remove_tags: str = "",
    ) -> None:
        """Change the note of a run, and print it; without anything to change, only print it.

        `key`: uid, scan id, or -1 for the latest. `rating`: 1 to 5 stars, 0 for none. `tags` and `remove_tags`: tags to
        add and to remove, separated by commas. Raises StorageError for an unknown run, OutOfRangeError for another
        rating.
        """
        uid = find_uid(store, key)
        table.notes.change(
            uid, comment=comment, rating=rating, add_tags=tags_in(tags), remove_tags=tags_in(remove_tags)
        )
        print(note_text(uid, table.notes))

    return night, note
