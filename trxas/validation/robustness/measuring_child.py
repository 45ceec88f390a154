"""The measuring process, seen from the process that disturbs it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from processes.child import ChildProgram
from processes.restartable import RestartableChild

MODULE = "trxas.validation.robustness.measuring_process"


class MeasuringChild:
    """Runs the measuring process with `options`, one life after the other, and counts the exposures it reports.

    `exposures` counts those of all lives together; `last_sign_s` is the monotonic time of the latest one, or of the
    latest start, s.
    """

    def __init__(self, options: Sequence[str], log: Path) -> None:
        program = ChildProgram(name="session", command=[sys.executable, "-m", MODULE, *options], times_in_log=True)
        self._child = RestartableChild(lambda _life: program, log, on_line=self._take)
        self._exposures_at_start = 0
        self.exposures = 0
        self.last_sign_s = time.monotonic()

    def start(self) -> None:
        """Start it, or start it again."""
        self._exposures_at_start = self.exposures
        self._child.start()
        self.last_sign_s = time.monotonic()

    @property
    def starts(self) -> int:
        """How often it was started."""
        return self._child.lives

    @property
    def has_measured(self) -> bool:
        """Whether the present life has reported an exposure."""
        return self.exposures > self._exposures_at_start

    @property
    def silent_s(self) -> float:
        """Wall time since the latest exposure or start, s."""
        return time.monotonic() - self.last_sign_s

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._child.exit_code

    @property
    def pid(self) -> int | None:
        """The process id, None if it does not run."""
        return self._child.pid

    def kill(self) -> None:
        """Send SIGKILL."""
        self._child.kill()

    def close(self) -> None:
        """Kill it for good: by then all of it has been measured, or the run was broken off."""
        self._child.kill()

    def _take(self, line: str) -> None:
        if line.startswith("event"):
            self.exposures += 1
            self.last_sign_s = time.monotonic()
