"""A child process that is started again after it was killed, ended by itself or was stopped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from processes.child import Child, ChildProgram


class RestartableChild:
    """The program that `program_of_life(number)` describes (first life: 1), run in one life after the other.

    The output of all lives is appended to `log`, and each line handed to `on_line`.
    """

    def __init__(
        self,
        program_of_life: Callable[[int], ChildProgram],
        log: Path,
        *,
        on_line: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._program_of_life = program_of_life
        self._log = log
        self._on_line = on_line
        self._child: Child | None = None
        self._ready_before: re.Match[str] | None = None
        self.lives = 0

    def start(self) -> None:
        """Start the next life; the previous one must have ended. Raises OSError if the program cannot be run."""
        self._ready_before = self.latest_ready
        self.lives += 1
        self._child = Child(self._program_of_life(self.lives), self._log, on_line=self._on_line)

    @property
    def ready(self) -> re.Match[str] | None:
        """Match of the ready line in the current life, None until it has been printed."""
        return None if self._child is None else self._child.ready

    @property
    def latest_ready(self) -> re.Match[str] | None:
        """Match of the ready line in the current life, or in the latest earlier one that was ready."""
        return self.ready or self._ready_before

    @property
    def exit_code(self) -> int | None:
        """Exit code of the current life; None while it runs and before the first start."""
        return None if self._child is None else self._child.exit_code

    @property
    def has_ended(self) -> bool:
        """Whether the current life has ended, for any reason."""
        return self.exit_code is not None

    @property
    def pid(self) -> int | None:
        """Process id of the current life, None if it does not run."""
        return None if self._child is None or self.has_ended else self._child.pid

    def last_words(self) -> str:
        """Return the last 15 lines of output of the current life; "" before the first start."""
        return "" if self._child is None else self._child.last_words()

    def kill(self) -> None:
        """Send SIGKILL, which ends the program without any clean-up; does nothing before the first start."""
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """Stop the program in an orderly way, after `stop_timeout_s` seconds by force; raises nothing."""
        if self._child is not None:
            self._child.stop()
