"""If these fail, runs are written into a catalogue that Tiled itself would not open, or a notebook cannot make one."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from storage.catalogue import create_catalogue
from tests.support.waiting import COMMAND_S


def content(database: Path) -> list[str]:
    """Everything in a database as SQL without its times, in alphabetical order."""
    with closing(sqlite3.connect(database)) as connection:
        lines = [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "now", line) for line in connection.iterdump()]
    return sorted(lines)


def test_a_new_catalogue_is_what_tiled_itself_makes(tmp_path: Path) -> None:
    create_catalogue(tmp_path / "ours")
    theirs = tmp_path / "theirs.db"
    command = [sys.executable, "-m", "tiled", "catalog", "init", f"sqlite:///{theirs}"]
    subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_S)
    assert content(tmp_path / "ours" / "catalog.db") == content(theirs)


def test_a_catalogue_is_made_where_an_event_loop_runs(tmp_path: Path) -> None:
    async def notebook() -> None:
        create_catalogue(tmp_path)

    asyncio.run(notebook())
    assert (tmp_path / "catalog.db").exists()
    assert not (tmp_path / "catalog.db.new").exists()
