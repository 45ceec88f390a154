"""The files of an embedded catalogue: whether all of them are there, and moving them aside."""

from __future__ import annotations

import time
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
