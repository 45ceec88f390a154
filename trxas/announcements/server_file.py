"""Where a data folder is served: a lock for the server, and a file with its addresses for windows and sessions."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from broadcast.relay import RelayAddresses
from errors import TrxasError
from storage.atomic_file import write_atomically
from trxas.announcements.life_lock import HeldLockError, LifeLock, is_held

STATE = "serve.json"
LOCK = "serve.lock"
"""Names in the data folder."""

PAGE_VARIABLE = "TRXAS_PAGE_TOKEN"
"""Environment variable from which the process of the page takes its token."""


class AlreadyServedError(TrxasError):
    """Another process serves the data folder."""


@dataclass(frozen=True, kw_only=True)
class ServeState:
    """All addresses of a server; `tiled` and its key, `page` and its token are "" if they are not served.

    `queue_control` takes requests of bluesky-queueserver's API from clients that have its public key, `queue_key`.
    `epics` is the address list of the control system. `started_s`: Unix epoch.
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
    page: str = ""
    page_token: str = ""

    def public(self) -> str:
        """Return the addresses as one line, without the keys."""
        relay = " ".join(f"{name}={address}" for name, address in asdict(self.relay).items())
        parts = [f"relay {relay}", f"queue server {self.queue_control}"]
        parts += [f"redis {self.redis}", f"EPICS_CA_ADDR_LIST={self.epics}"]
        parts += [f"tiled {self.tiled}"] if self.tiled else []
        parts += [f"page {self.page}"] if self.page else []
        return "; ".join(parts)


def write_state(root: Path, state: ServeState) -> Path:
    """Write the file, readable for its owner alone as it holds keys; return its path.

    Raises OSError if the folder cannot be written.
    """
    # Written whole or not at all: readers poll this file.
    path = root / STATE
    write_atomically(path, json.dumps(asdict(state), indent=2), private=True)
    return path


def read_state(root: Path) -> ServeState | None:
    """Return the addresses at which the folder is served; None if it is not served (yet).

    Raises OSError only if the lock file cannot be read: a file of another version counts as none.
    """
    # The lock is asked first: it ends with the server, however that ends, while the file of a killed server stays.
    # Between the start of a server and its announcement there is a lock and no file, which counts as no server.
    if not is_held(root / LOCK):
        return None
    try:
        fields = json.loads((root / STATE).read_text(encoding="utf-8"))
        return ServeState(**fields | {"relay": RelayAddresses(**fields["relay"])})
    except (OSError, ValueError, KeyError, TypeError):
        # Not written yet, or by another version of trxas.
        return None


class ServeLock:
    """Lock of the process that serves `root`, an existing folder, held until `release` or the end of the process.

    Raises AlreadyServedError if another process serves the folder.
    """

    def __init__(self, root: Path) -> None:
        self._state = root / STATE
        try:
            self._lock = LifeLock(root / LOCK, f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        except HeldLockError as error:
            raise AlreadyServedError(
                f"{root} is served already, by {error}. Stop that process first, or choose another data folder."
            ) from error
        # Addresses of a server that was killed.
        self._state.unlink(missing_ok=True)

    def release(self) -> None:
        """Withdraw the addresses, and release the lock, so that another process may serve. May be called twice."""
        self._state.unlink(missing_ok=True)
        self._lock.release()
