"""Who serves a data folder, and where: a lock for the one who does, and a file for those who look for it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from broadcast.relay import RelayAddresses
from errors import TrxasError
from storage.atomic_file import write_whole

STATE, LOCK = "serve.json", "serve.lock"
"""Names in the data folder."""


class AlreadyServedError(TrxasError):
    """Another process serves the data folder."""


@dataclass(frozen=True)
class ServeState:
    """Every address; `tiled` and its key are "" if the catalogue is not served.

    `queue_control` takes requests of bluesky-queueserver's API from those who have its public key, `queue_key`. `epics`
    is the address list of the control system.
    """

    pid: int
    started_s: float
    relay: RelayAddresses
    queue_control: str
    queue_key: str
    redis: str
    epics: str
    tiled: str = ""
    tiled_key: str = ""

    def public(self) -> str:
        """The addresses as one line, without the keys."""
        relay = " ".join(f"{name}={address}" for name, address in asdict(self.relay).items())
        parts = [f"relay {relay}", f"queue server {self.queue_control}"]
        parts += [f"redis {self.redis}", f"EPICS_CA_ADDR_LIST={self.epics}"]
        return "; ".join([*parts, f"tiled {self.tiled}"] if self.tiled else parts)


def write_state(root: Path, state: ServeState) -> Path:
    """Write the file, readable for its owner alone as it holds keys; returns its path."""
    path = root / STATE
    write_whole(path, json.dumps(asdict(state), indent=2), private=True)
    return path


def read_state(root: Path) -> ServeState | None:
    """Where the folder is served; None if nobody serves it, or not yet."""
    if not _is_held(root / LOCK):
        return None
    try:
        fields = json.loads((root / STATE).read_text(encoding="utf-8"))
        return ServeState(**fields | {"relay": RelayAddresses(**fields["relay"])})
    except (OSError, ValueError, KeyError, TypeError):
        # Not written yet, or by another version of this program.
        return None


class ServeLock:
    """Held by the process that serves `root`, a folder that exists; given up with it, however it ends."""

    def __init__(self, root: Path) -> None:
        self._file: IO[str] = (root / LOCK).open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise AlreadyServedError(
                f"{root} is served already, by {holder}. Stop that process first, or choose another data folder."
            ) from error
        (root / STATE).unlink(missing_ok=True)
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        self._file.flush()
        self._state = root / STATE

    def release(self) -> None:
        """Let others serve; the addresses are gone."""
        self._state.unlink(missing_ok=True)
        self._file.close()


def _is_held(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
