"""If these fail, nobody can look into an archive or a colleague's data folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trxas import configured_store
from trxas.commands.ipython import shell_configuration
from trxas.configuration import load_configuration
from trxas.configured_store import is_read_only, open_configured_store


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that cannot be written, for the super-user too."""
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: not (mode & os.W_OK and Path(path) == tmp_path) and access(path, mode)
    )
    return tmp_path


def test_runs_in_an_archive_are_read_as_they_are(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(configured_store, "open_store", lambda _root, **options: asked.append(options["recover_runs"]))
    open_configured_store(load_configuration(data=archive))
    open_configured_store(load_configuration(data=archive / "new"))
    assert asked == [False, True]


def test_the_shell_writes_no_history_into_an_archive(archive: Path) -> None:
    assert shell_configuration(archive).HistoryManager.enabled is False
    assert is_read_only(archive)


def test_the_shell_has_a_history_of_its_data_folder(tmp_path: Path) -> None:
    assert shell_configuration(tmp_path).HistoryManager.hist_file.startswith(str(tmp_path))
    assert not is_read_only(tmp_path / "new")
