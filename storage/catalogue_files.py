"""The files of an embedded catalogue: whether all of them are there, which runs they hold, and moving them aside."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from storage.journal import SUFFIX, done_folder

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE_PARTS = (
    "catalog.db",
    "catalog.db-wal",
    "catalog.db-shm",
    "tables.db",
    "tables.db-wal",
    "tables.db-shm",
    "data",
)
"""Files and folder of an embedded catalogue in its data folder."""


def catalogue_is_lost(root: Path) -> bool:
    """Return whether `root` has journals of catalogued runs, but a part of their catalogue is missing."""
    has_runs = any(done_folder(root).glob(f"*{SUFFIX}"))
    return has_runs and not all((root / name).exists() for name in ("catalog.db", "tables.db", "data"))


def catalogued_uids(root: Path) -> set[str] | None:
    """Return the uids of the runs in the embedded catalogue of `root`; None if only opening it can tell."""
    # Read from Tiled's table directly: opening the catalogue takes 3 s, of which most is the import of a server. Runs
    # are the nodes below the root node. A database that a killed process left half-written, or one of another version
    # of Tiled, gives an error here; then the catalogue itself must be opened.
    database = root / "catalog.db"
    if not database.exists():
        return set()
    query = "SELECT runs.key FROM nodes AS runs JOIN nodes AS root ON runs.parent = root.id WHERE root.parent IS NULL"
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return {str(row[0]) for row in connection.execute(query)}
    except sqlite3.Error:
        return None


def put_catalogue_aside(root: Path) -> Path:
    """Move the files of the catalogue in `root` into a new folder beside them; return that folder.

    Raises OSError if they cannot be moved.
    """
    aside = root / f"catalogue-put-aside-{time.strftime('%Y%m%dT%H%M%S')}-{time.monotonic_ns()}"
    aside.mkdir()
    for name in CATALOGUE_PARTS:
        if (root / name).exists():
            (root / name).rename(aside / name)
    return aside
