"""The keys of a data folder: their owner may read its catalogue and run plans."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

import zmq

from errors import StorageError
from storage.atomic_file import write_atomically

KEYS = "keys.json"
"""Name in the data folder."""

TILED_VARIABLE = "TILED_SINGLE_USER_API_KEY"
QUEUE_VARIABLE = "QSERVER_ZMQ_PRIVATE_KEY_FOR_SERVER"
"""Environment variables that Tiled and bluesky-queueserver themselves read."""


@dataclass(frozen=True)
class Keys:
    """`tiled`: API key of the catalogue's server, hex. `queue_private`: CURVE key of the queue server, z85."""

    tiled: str = field(repr=False)
    queue_private: str = field(repr=False)

    @property
    def page(self) -> str:
        """Token of the read-only page, hex. It is derived from `tiled`, which cannot be recovered from it."""
        return hmac.new(self.tiled.encode(), b"page", hashlib.sha256).hexdigest()

    @property
    def queue_public(self) -> str:
        """Public key that a client of the queue server needs; the server accepts every client that has it."""
        return zmq.curve_public(self.queue_private.encode()).decode()


def keys_of(root: Path) -> Keys:
    """Return the keys of the data folder `root`; the first call makes them, in a file that its owner alone can read.

    Keys in the environment take precedence, and are not written. Raises StorageError if the file is damaged or can be
    read by others.
    """
    # A key in the environment is that of somebody who starts several servers with one key, or of a test. It is used but
    # never written: the file holds the keys of the folder alone.
    known = _read(root / KEYS)
    if known is None:
        known = Keys(secrets.token_hex(32), zmq.curve_keypair()[1].decode())
        write_atomically(root / KEYS, json.dumps(asdict(known), indent=1), private=True)
    return Keys(os.environ.get(TILED_VARIABLE) or known.tiled, os.environ.get(QUEUE_VARIABLE) or known.queue_private)


def _read(path: Path) -> Keys | None:
    try:
        # The mode is checked although the file is written private: a copied or restored folder often has other modes,
        # and with these keys anybody on the machine could run plans.
        mode = path.stat().st_mode & 0o777
        fields = json.loads(path.read_text(encoding="utf-8"))
        keys = Keys(str(fields["tiled"]), str(fields["queue_private"]))
        _ = keys.queue_public
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, zmq.ZMQError) as error:
        raise StorageError(
            f"The keys in {path} cannot be read. Remove the file; new keys are made when serving starts."
        ) from error
    if mode & 0o077:
        raise StorageError(
            f"The keys in {path} can be read by others (mode {mode:o}). Remove the file; new keys are made then."
        )
    return keys
