"""If these fail, somebody else on the machine, or in the network, reads the data or moves the beamline."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq

from errors import StorageError
from trxas.serve.keys import KEYS, QUEUE_VARIABLE, TILED_VARIABLE, keys_of


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (TILED_VARIABLE, QUEUE_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_keys_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    keys = keys_of(tmp_path)
    assert keys_of(tmp_path) == keys
    assert (tmp_path / KEYS).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEYS]
    assert len(keys.tiled) >= 64
    (tmp_path / "other").mkdir()
    assert keys_of(tmp_path / "other").tiled != keys.tiled
    assert keys_of(tmp_path / "other").queue_public != keys.queue_public


def test_keys_are_not_shown_by_whatever_prints_them(tmp_path: Path) -> None:
    keys = keys_of(tmp_path)
    assert keys.tiled not in repr(keys)
    assert keys.queue_private not in repr(keys)


def test_keys_of_the_environment_come_first_and_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: a key that is kept elsewhere with care, to a file in a data folder."""
    private = zmq.curve_keypair()[1].decode()
    monkeypatch.setenv(TILED_VARIABLE, "kept elsewhere")
    monkeypatch.setenv(QUEUE_VARIABLE, private)
    keys = keys_of(tmp_path)
    assert (keys.tiled, keys.queue_private) == ("kept elsewhere", private)
    written = (tmp_path / KEYS).read_text()
    assert "kept elsewhere" not in written
    assert private not in written


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_keys_that_others_can_read_are_no_keys(tmp_path: Path, mode: int) -> None:
    keys_of(tmp_path)
    (tmp_path / KEYS).chmod(mode)
    with pytest.raises(StorageError, match=rf"read by others \(mode {mode:o}\)\. Remove the file"):
        keys_of(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"tiled": "a", "queue_private": "short"}'])
def test_a_damaged_file_of_keys_reports_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / KEYS
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(StorageError, match=r"cannot be read\. Remove the file"):
        keys_of(tmp_path)
