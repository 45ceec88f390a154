"""Where the session of a data folder listens: a file for the windows that look for it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.atomic_file import write_whole

NAME = "session.json"
"""Name in the data folder."""


@dataclass(frozen=True)
class SessionAddress:
    """A session: its process, where it listens, and the key it understands."""

    pid: int
    address: str
    public_key: str


def write_session(root: Path, session: SessionAddress) -> None:
    """Say in the data folder `root` where this process listens; for its owner alone, as the key lets one in."""
    write_whole(root / NAME, json.dumps(asdict(session), indent=2), private=True)


def read_session(root: Path) -> SessionAddress | None:
    """Where the latest session of the folder listens; None if none has, or if its process has ended."""
    try:
        session = SessionAddress(**json.loads((root / NAME).read_text(encoding="utf-8")))
        os.kill(session.pid, 0)
    except (OSError, ValueError, TypeError):
        # None yet, written by another version of this program, or by a process that was killed.
        return None
    return session


def forget_session(root: Path, session: SessionAddress) -> None:
    """Take the file away, unless another session has written its own meanwhile."""
    if read_session(root) == session:
        (root / NAME).unlink(missing_ok=True)
