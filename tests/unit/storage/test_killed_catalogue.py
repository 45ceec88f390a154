"""If these fail, a session that was killed while it wrote into the catalogue does not start again at once."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.addresses import foreign_roots


def test_a_catalogue_with_an_open_transaction_is_rolled_back_and_read(tmp_path: Path) -> None:
    """Lost: the start after kill -9; it had to be repeated, with an error that called the catalogue damaged."""
    live = tmp_path / "live"
    left = tmp_path / "left"
    live.mkdir()
    left.mkdir()
    database = live / "catalog.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE assets (data_uri TEXT)")
        connection.execute("INSERT INTO assets VALUES ('sqlite://localhost//elsewhere/tables.db')")
        connection.commit()
        # A cache of one page makes SQLite write into the file before the end of the transaction, as a long one does.
        connection.execute("PRAGMA cache_size=1")
        connection.executemany("INSERT INTO assets VALUES (?)", [("x" * 3000,)] * 200)
        # The state of both files at the moment of the kill.
        for file in live.iterdir():
            shutil.copy(file, left / file.name)
    assert (left / "catalog.db-journal").stat().st_size > 0
    assert foreign_roots(left / "catalog.db", tmp_path) == {"/elsewhere"}
    assert not (left / "catalog.db-journal").exists()
