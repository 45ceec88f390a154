"""If these fail, a usual trouble of a machine costs somebody the night, although `trxas doctor` was asked."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trxas.announcements.server_file import STATE, ServeLock
from trxas.announcements.session_file import SessionAnnouncement
from trxas.commands.clocks import clock_troubles
from trxas.commands.trouble import Trouble
from trxas.commands.troubles import (
    announced,
    folder_troubles,
    small_arrays,
    troubles_of,
    unknown_hosts,
    wrong_versions,
)
from trxas.configuration import load_configuration


def texts(troubles: Iterable[Trouble]) -> list[str]:
    return [str(trouble) for trouble in troubles]


def test_a_sound_machine_has_no_trouble(tmp_path: Path) -> None:
    assert texts(troubles_of(load_configuration(address_list="127.0.0.1", data=tmp_path / "new"))) == []


def test_an_unknown_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, *_: object) -> object:
        if host == "ioc7ida":
            raise socket.gaierror(-2, "Name or service not known")
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    (found,) = texts(unknown_hosts("127.0.0.1:5064 ioc7ida:5064"))
    assert found.startswith("fault: address list: The host ioc7ida is unknown (Name or service not known).")


@pytest.mark.parametrize(
    ("environment", "is_enough"),
    [
        ({}, True),
        ({"EPICS_CA_MAX_ARRAY_BYTES": "16384"}, True),
        ({"EPICS_CA_MAX_ARRAY_BYTES": "16384", "EPICS_CA_AUTO_ARRAY_BYTES": "NO"}, False),
        ({"EPICS_CA_MAX_ARRAY_BYTES": "10000000", "EPICS_CA_AUTO_ARRAY_BYTES": "NO"}, True),
    ],
)
def test_arrays_that_do_not_fit_are_a_fault(environment: dict[str, str], is_enough: bool) -> None:
    """libca since 3.16 sizes its buffers itself, unless it is told not to."""
    assert (texts(small_arrays(environment, 379_860)) == []) == is_enough


def test_versions_are_those_that_trxas_was_tested_with() -> None:
    found = texts(wrong_versions(["pytest>=1", "pytest==0.1", "no-such-package", 'none; extra == "docs"']))
    assert len(found) == 2
    assert "trxas needs ==0.1" in found[0]
    assert "no-such-package is not installed" in found[1]


def test_a_full_disk_is_reported_before_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=150_000_000))
    (found,) = texts(folder_troubles(tmp_path / "not" / "yet", 200))
    assert f"150 MB are free in {tmp_path}; a scan needs 200 MB" in found


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> object:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    (found,) = texts(folder_troubles(tmp_path, 10**9))
    assert f"{tmp_path} cannot be written (Read-only file system)" in found


def test_a_file_instead_of_a_folder_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.touch()
    (found,) = texts(troubles_of(load_configuration(address_list="127.0.0.1", data=path)))
    assert f"{path} is a file. Choose a folder" in found


def test_keys_that_others_can_read_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.touch(mode=0o644)
    (found,) = texts(folder_troubles(tmp_path, 0))
    assert f"chmod 600 {path}" in found


def test_others_in_the_folder_are_named(tmp_path: Path) -> None:
    session = SessionAnnouncement(tmp_path, name="anna@hutch:1", address="tcp://127.0.0.1:1", public_key="")
    server = ServeLock(tmp_path)
    used, served = texts(announced(tmp_path))
    assert used.startswith("note: session: anna@hutch:1 has a session")
    assert f"by process {os.getpid()} since" in served
    session.close()
    server.release()
    assert texts(announced(tmp_path)) == []


def test_files_of_killed_processes_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text("{}")
    (tmp_path / "session-ab.lock").touch()
    found = list(announced(tmp_path))
    assert len(found) == 2
    assert not any(trouble.is_fault for trouble in found)
    assert all("was killed" in trouble.text for trouble in found)


@pytest.mark.parametrize(("ahead_s", "number"), [(-3600.0, 0), (0.5, 0), (60.0, 1)])
def test_clocks_that_differ_are_reported(ahead_s: float, number: int) -> None:
    stamps: Any = [time.time() - 1e6, time.time() + ahead_s]
    assert len(texts(clock_troubles({}, stamps))) == number
    assert texts(clock_troubles({}, [])) == []


def test_a_clock_behind_is_known_by_values_that_come_in() -> None:
    """A value may be old because nothing has changed it: only one that has just come shows a clock that is behind."""
    (told,) = texts(clock_troubles({"ioc1": -61.2, "ioc2": -0.3}, [time.time() - 61.0]))
    assert "The clock of ioc1 is 61.2 s behind this machine's clock. Synchronise both" in told
    (told,) = texts(clock_troubles({"ioc1": 3600.0}, [time.time() + 3600.0]))
    assert "ioc1 is 3600.0 s ahead of" in told
