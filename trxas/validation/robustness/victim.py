"""A process that is killed with SIGKILL and started again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from processes.child import Child, Part


class Victim:
    """Runs the part that `make(life)` describes, one life after the other; what all of them say goes to `log`."""

    def __init__(self, make: Callable[[int], Part], log: Path) -> None:
        self._make, self._log = make, log
        self._child: Child | None = None
        self._lives = 0
        self._said_before: re.Match[str] | None = None

    def start(self) -> None:
        """Begin a life."""
        self._said_before = self.latest_ready
        self._lives += 1
        self._child = Child(self._make(self._lives), self._log)

    @property
    def ready(self) -> re.Match[str] | None:
        """What it has said when it was ready, in its present life."""
        return None if self._child is None else self._child.ready

    @property
    def latest_ready(self) -> re.Match[str] | None:
        """What it has said when it was ready, in this life or the one before."""
        return self.ready or self._said_before

    @property
    def has_ended(self) -> bool:
        """Whether a life was begun and is over, by whatever."""
        return self._child is not None and self._child.exit_code is not None

    @property
    def pid(self) -> int | None:
        """Process id of the present life."""
        return None if self._child is None or self.has_ended else self._child.pid

    def last_words(self) -> str:
        """The end of what it said."""
        return "" if self._child is None else self._child.last_words()

    def kill(self) -> None:
        """SIGKILL: nothing of it gets to do anything more."""
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """End it in good order."""
        if self._child is not None:
            self._child.stop()
