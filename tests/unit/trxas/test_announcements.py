"""Files in the data folder that tell where servers and sessions listen.

If these fail, a window talks to a process that is gone, or does not find the one that is there.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from trxas.announcements.server_file import AlreadyServedError, ServeLock, read_state
from trxas.announcements.session_file import LOCK_PATTERN, NAME, SessionAddress, SessionAnnouncement, read_session

ADDRESS = "tcp://127.0.0.1:1"


def announce(root: Path, name: str = "anna@hutch:1") -> SessionAnnouncement:
    return SessionAnnouncement(root, name=name, address=ADDRESS, public_key="key")


def test_a_session_is_found_until_it_closes(tmp_path: Path) -> None:
    session = announce(tmp_path)
    assert read_session(tmp_path) == session.where
    session.close()
    session.close()
    assert read_session(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_was_killed_is_not_found_though_its_files_are_there(tmp_path: Path) -> None:
    """Its process number may belong to any other process by now, as here to this one."""
    session = SessionAddress(session_id="ab", name="anna@hutch:1", pid=1, address=ADDRESS, public_key="key")
    (tmp_path / NAME).write_text(json.dumps(asdict(session)))
    assert read_session(tmp_path) is None
    (tmp_path / "session-ab.lock").touch()
    assert read_session(tmp_path) is None
    later = announce(tmp_path)
    assert [path.name for path in tmp_path.glob(LOCK_PATTERN)] == [f"session-{later.where.session_id}.lock"]
    later.close()


def test_sessions_with_one_name_are_distinguished(tmp_path: Path) -> None:
    """One account on two machines: the window must not take the one for the other."""
    first = announce(tmp_path)
    second = announce(tmp_path)
    assert first.where.session_id != second.where.session_id
    assert read_session(tmp_path) == second.where
    first.close()
    assert read_session(tmp_path) == second.where, "the earlier one takes only its own announcement away"
    second.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1, "address": "", "public_key": ""}'])
def test_a_file_of_another_version_counts_as_missing(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert read_session(tmp_path) is None


def test_a_folder_is_served_once(tmp_path: Path) -> None:
    lock = ServeLock(tmp_path)
    with pytest.raises(AlreadyServedError, match=r"process \d+ since"):
        ServeLock(tmp_path)
    lock.release()
    lock.release()
    assert read_state(tmp_path) is None
    ServeLock(tmp_path).release()
