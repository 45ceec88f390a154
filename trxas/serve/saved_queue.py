"""The content of the Redis stand-in as a file of the data folder, so that the queue outlives its server."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errors import StorageError
from storage.atomic_file import write_atomically

_log = logging.getLogger(__name__)

FILE = Path("serve") / "queue.json"
"""Place in the data folder."""

PERIOD_S = 0.2
"""Interval at which changed content is written, s: the most that a killed server can lose."""

Content = Mapping[str, str | list[str]]
"""Texts and lists of texts by key: all that the queue server stores."""


def content_of(client: Any) -> dict[str, str | list[str]]:
    """Return the texts and lists behind a client of Redis, by key; keys of other types are left out."""
    found: dict[str, str | list[str]] = {}
    for key in sorted(client.keys()):
        kind = client.type(key)
        if kind == "string":
            found[key] = client.get(key)
        elif kind == "list":
            found[key] = client.lrange(key, 0, -1)
    # A key that was deleted between the two calls has no value.
    return {key: value for key, value in found.items() if value}


def restore(client: Any, content: Content) -> None:
    """Store `content` behind a client of an empty Redis."""
    for key, value in content.items():
        if isinstance(value, str):
            client.set(key, value)
        else:
            client.rpush(key, *value)


class QueueFile:
    """The file `path` with the content behind `client`: read once by `load`, then written after every change."""

    def __init__(self, path: Path, client: Any) -> None:
        self._path = path
        self._client = client
        self._written: Content = {}

    def load(self) -> None:
        """Store what the file holds, if there is one; raises StorageError if it is damaged."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            restore(self._client, content)
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError) as error:
            raise StorageError(
                f"The saved queue {self._path} cannot be read ({error}). Move the file away; serving then starts with "
                "an empty queue."
            ) from error
        self._written = content

    def save(self) -> None:
        """Write the content if it has changed; raises OSError if it cannot be written."""
        content = content_of(self._client)
        if content != self._written:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(content, indent=1), private=True)
            self._written = content

    def keep_saving(self) -> None:
        """Save every `PERIOD_S` in a thread of its own, until the process ends."""
        threading.Thread(target=self._run, name="saved queue", daemon=True).start()

    def _run(self) -> None:
        # A period, not every command: the queue server changes several keys for one request of a user, and a file
        # between two of them would be as wrong as it would be slow. A disk that is full must not end the queue, whose
        # plans are still in memory; the next change tries again.
        pause = threading.Event()
        while not pause.wait(PERIOD_S):
            try:
                self.save()
            except OSError as error:
                _log.warning("The queue cannot be saved to %s (%s).", self._path, error)
