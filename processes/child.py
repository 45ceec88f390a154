"""One part as a process: its start, its sign of readiness, its last words, its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from errors import TrxasError

LAST_WORDS = 15
"""Lines of output that are told when a part fails."""

_POLL_S = 0.05


class PartError(TrxasError):
    """A part of the server did not start, or ended by itself; the message has its last words."""


@dataclass(frozen=True)
class Part:
    """What to run. It must end when its standard input is closed.

    Ready is, who prints a line that `ready` matches, or for whom `answers` is true. A part that `returns` is started
    again when it dies: it is not needed for an acquisition to go on.
    """

    name: str
    command: Sequence[str]
    ready: re.Pattern[str] | None = None
    answers: Callable[[], bool] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 10.0
    returns: bool = False


class Child:
    """A running part; its output goes to `log`."""

    def __init__(self, part: Part, log: Path) -> None:
        self.part, self.log = part, log
        self._said: deque[str] = deque(maxlen=LAST_WORDS)
        self._match: re.Match[str] | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603  # programs of our environment
            part.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A session of its own: Ctrl-C is for the server, which ends its parts in order.
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **part.environment},
        )
        self._reader = threading.Thread(target=self._read, name=f"output of {part.name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def ready(self) -> re.Match[str] | None:
        """The match of its ready line, once it has said that."""
        return self._match

    def wait_ended(self, timeout_s: float) -> bool:
        """Whether it ends by itself in this time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self.exit_code is not None

    def last_words(self) -> str:
        """The end of its output."""
        return "".join(self._said)

    def wait_ready(self, stopping: threading.Event) -> re.Match[str] | None:
        """Wait until it is ready; returns the match of its ready line.

        Raises PartError if it ends or takes longer than its time. Returns early when `stopping` is set.
        """
        deadline = time.monotonic() + self.part.start_timeout_s
        while not stopping.is_set():
            if self._match is not None or (self.part.answers is not None and self.part.answers()):
                return self._match
            if self.exit_code is not None:
                self._reader.join(1.0)
                raise PartError(
                    f"The {self.part.name} ended while starting, with exit code {self.exit_code}. It said:\n"
                    f"{self.last_words()}All of it is in {self.log}."
                )
            if time.monotonic() > deadline:
                raise PartError(
                    f"The {self.part.name} was not ready within {self.part.start_timeout_s:g} s. It said:\n"
                    f"{self.last_words()}All of it is in {self.log}."
                )
            stopping.wait(_POLL_S)
        return None

    def stop(self) -> None:
        """Close its input, which ends it; by force if it takes too long."""
        assert self._process.stdin is not None  # a pipe was asked for
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(self.part.stop_timeout_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(1.0)

    def kill(self) -> None:
        """SIGKILL to this process alone, as a test of those that depend on it; they must notice by themselves."""
        self._process.kill()
        self._process.wait()
        self.stop()

    def _read(self) -> None:
        assert self._process.stdout is not None  # a pipe was asked for
        with self._process.stdout as output, self.log.open("a", encoding="utf-8") as log:
            for line in output:
                log.write(line)
                log.flush()
                self._said.append(line)
                if self.part.ready is not None and self._match is None:
                    self._match = self.part.ready.search(line)
