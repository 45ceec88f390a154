"""Whether the process that announced something is alive: one rule for all announcements."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

READERS_GONE_S = 1.0
"""Time to try for a lock, s: a reader that checks whether it is held takes it for a moment itself."""

_POLL_S = 0.02


class HeldLockError(Exception):
    """Another process holds the lock; the message is the text that it wrote into the file."""


class LifeLock:
    """A lock on a file, held until `release` or the end of this process.

    The rule of all announcements: an announcement is valid while its process holds the lock. The kernel releases the
    lock however the process ends, even by SIGKILL. A process number would not do: it may belong to another process by
    now, or to one in another container, and start times move with the clock.
    """

    def __init__(self, path: Path, text: str) -> None:
        """Take the lock at `path` and write `text` into it; raises HeldLockError if another process has it."""
        self._path = path
        self._file = _locked(path)
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()

    def release(self, *, remove: bool = False) -> None:
        """Release the lock; with `remove`, delete its file too. May be called twice."""
        if remove and not self._file.closed:
            self._path.unlink(missing_ok=True)
        self._file.close()


def is_held(path: Path) -> bool:
    """Return whether a living process, possibly this one, holds the lock at `path`; False if there is no file.

    Raises OSError if the file exists and cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def holder_of(path: Path) -> str:
    """Return the text that the holder of the lock at `path` wrote into it, "" if no process holds it.

    "unknown" if the holder wrote nothing yet. Raises OSError as `is_held` does.
    """
    if not is_held(path):
        return ""
    try:
        return path.read_text(encoding="utf-8").strip() or "unknown"
    except OSError:
        return "unknown"


def _locked(path: Path) -> IO[str]:
    # Two things can go wrong between opening the file and locking it. A reader that asks whether the lock is held has a
    # shared lock for a moment, which looks like a holder: hence the repeated attempts. And another process may remove
    # the file as left over: we would then hold a lock on a file without a name, which nobody else can see, so it is
    # opened again.
    deadline = time.monotonic() + READERS_GONE_S
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            if time.monotonic() > deadline:
                raise HeldLockError(holder) from None
            time.sleep(_POLL_S)
            continue
        if _is_still_there(path, file):
            return file
        # Somebody removed it as left over between our opening and our locking it.
        file.close()


def _is_still_there(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
