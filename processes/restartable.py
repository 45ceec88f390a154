"""A process that is watched, killed and started again."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

CLOSE_TIMEOUT_S = 30.0


class Target:
    """One process at a time, started with `python ARGUMENTS`; what it prints goes to `log` and tells that it lives.

    Its standard input closes when this process ends, killed or not: then it has to end by itself.

    `events` counts the lines that begin with "event", of all its lives together.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._command = [sys.executable, *arguments]
        self._log = log.open("a", encoding="utf-8")
        self._process: subprocess.Popen[str] | None = None
        self.events = 0
        self.last_event = time.monotonic()

    def start(self) -> None:
        """Start it, or start it again."""
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._follow, args=(self._process,), daemon=True).start()

    def kill(self) -> None:
        """SIGKILL: nothing of it gets to do anything more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(CLOSE_TIMEOUT_S)

    @property
    def returncode(self) -> int | None:
        """Exit code, None while it lives."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """Process id, None if it does not live."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._log.close()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # a pipe was asked for
        with process.stdout as lines:
            for line in lines:
                if not self._log.closed:
                    self._log.write(f"{time.time():.3f} {line}")
                    self._log.flush()
                if line.startswith("event"):
                    self.events += 1
                    self.last_event = time.monotonic()
