"""Where the session of a data folder listens: a file for the windows that look for it."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.atomic_file import write_atomically
from trxas.announcements.life_lock import LifeLock, is_held

NAME = "session.json"
"""Name in the data folder."""

LOCK_PATTERN = "session-*.lock"


@dataclass(frozen=True, kw_only=True)
class SessionAddress:
    """A session: its random id, its process, where it listens, and its public key for requests.

    `name` is for people: names and process numbers may be equal on two machines, the id is not.
    """

    session_id: str
    name: str
    pid: int
    address: str
    public_key: str


class SessionAnnouncement:
    """Announcement in the data folder `root` of where this process listens, until `close` or the end of the process.

    Several sessions may share a folder, with beamlines of their own; windows find the one that was opened last.
    """

    def __init__(self, root: Path, *, name: str, address: str, public_key: str) -> None:
        self.where = SessionAddress(
            session_id=secrets.token_hex(8), name=name, pid=os.getpid(), address=address, public_key=public_key
        )
        self._root = root
        # Order: first clear up behind sessions that were killed, then take the own lock, last announce. A
        # reader of the announcement therefore finds its lock held, and a session that dies in between is never seen.
        for path in root.glob(LOCK_PATTERN):
            # A session that was killed leaves its lock file behind.
            if not is_held(path):
                path.unlink(missing_ok=True)
        self._lock = LifeLock(_lock_path(root, self.where.session_id), f"{name} since {time.strftime('%F %T')}\n")
        # For its owner alone: who has the key may end plans.
        write_atomically(root / NAME, json.dumps(asdict(self.where), indent=2), private=True)

    def close(self) -> None:
        """Withdraw the announcement, unless another session has made its own meanwhile. May be called twice."""
        if read_session(self._root) == self.where:
            (self._root / NAME).unlink(missing_ok=True)
        self._lock.release(remove=True)


def read_session(root: Path) -> SessionAddress | None:
    """Return the address of the latest session of the folder; None if there is none or its process has ended.

    Raises OSError only if the lock file cannot be read: a file of another version counts as none.
    """
    try:
        session = SessionAddress(**json.loads((root / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        # None yet, or written by another version of trxas.
        return None
    return session if is_held(_lock_path(root, session.session_id)) else None


def _lock_path(root: Path, session_id: str) -> Path:
    return root / LOCK_PATTERN.replace("*", session_id)
