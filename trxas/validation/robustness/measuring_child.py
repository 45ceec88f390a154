"""The session that measures, seen from the process that disturbs it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from processes.child import LAST_WORDS, ChildProgram
from processes.process_table import family
from processes.restartable import RestartableChild
from trxas.validation.robustness.session_kind import SessionKind
from trxas.validation.robustness.strict_configuration import write_strict_configuration
from trxas.validation.robustness.terminal_session import LINE, TerminalSession

SCRIPT_MODULE = "trxas.validation.robustness.measuring_process"
QUEUE_MODULE = "trxas.validation.robustness.queue_process"

OnLine = Callable[[str], object]


class SessionProcess(Protocol):
    """A session that is started again after every end, as RestartableChild is."""

    lives: int

    @property
    def exit_code(self) -> int | None:
        """The exit code of the current life, None while it runs."""

    @property
    def pid(self) -> int | None:
        """The process id of the current life, None if it does not run."""

    def start(self) -> None:
        """Start the next life."""

    def kill(self) -> None:
        """Send SIGKILL."""


@dataclass(frozen=True, kw_only=True)
class ChildMeasurement:
    """Measurement of a session of `kind`, with its folders: until the file `enough` exists, and `datasets` at least.

    `screen` is its DISPLAY, "" for none.
    """

    kind: SessionKind = SessionKind.SCRIPT
    data: Path
    address_list: str
    enough: Path
    datasets: int
    screen: str = ""


class MeasuringChild:
    """A measuring session in one life after the other, with the number of exposures that it reports.

    `exposures` counts those of all lives together; `last_sign_s` is the monotonic time of the latest one, or of the
    latest start, s.
    """

    def __init__(self, measurement: ChildMeasurement, log: Path) -> None:
        self._log = log
        self._child = _session_process(measurement, log, self._take)
        self._exposures_at_start = 0
        self.exposures = 0
        self.last_sign_s = time.monotonic()

    def start(self) -> None:
        """Start it, or start it again. Raises OSError if the program cannot be run."""
        self._exposures_at_start = self.exposures
        self._child.start()
        self.last_sign_s = time.monotonic()

    @property
    def starts(self) -> int:
        """Number of starts."""
        return self._child.lives

    @property
    def has_measured(self) -> bool:
        """Whether the current life has reported an exposure."""
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

    def last_words(self) -> str:
        """Return the last lines of its log, of all lives, and where the log is; "" without one."""
        if not self._log.exists():
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([*lines[-LAST_WORDS:], f"The whole log is in {self._log}."])

    def kill(self) -> None:
        """Send SIGKILL."""
        self._child.kill()

    def close(self) -> None:
        """Kill it, without a restart: everything has been measured by then, or the run was interrupted."""
        self._child.kill()

    def _take(self, line: str) -> None:
        if line.startswith("event"):
            self.exposures += 1
            self.last_sign_s = time.monotonic()


class ServedSession(RestartableChild):
    """A server with the session of its queue."""

    def kill(self) -> None:
        """Send SIGKILL to the server, the session and all other parts at once: none may end in good order."""
        if self.pid is not None:
            # All at once: a server that sees its children die would end its runs in good order, which a power cut does
            # not do.
            for pid in family(self.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        super().kill()


def _session_process(measurement: ChildMeasurement, log: Path, on_line: OnLine) -> SessionProcess:
    # All kinds of sessions get the same command line and configuration, so that only their kind differs.
    configuration = write_strict_configuration(measurement.data / "strict.toml")
    where = ["--config", str(configuration), "--data", str(measurement.data)]
    where += ["--address-list", measurement.address_list]
    if measurement.kind in (SessionKind.IPYTHON, SessionKind.IPYTHON_SCREEN):
        typed = LINE.format(enough=str(measurement.enough), datasets=measurement.datasets)
        return TerminalSession(where, typed, log, screen=measurement.screen, on_line=on_line)
    is_queue = measurement.kind is SessionKind.QUEUE
    module = QUEUE_MODULE if is_queue else SCRIPT_MODULE
    until = ["--enough", str(measurement.enough), "--datasets", str(measurement.datasets)]
    program = ChildProgram(name="session", command=[sys.executable, "-m", module, *where, *until], times_in_log=True)
    return (ServedSession if is_queue else RestartableChild)(lambda _life: program, log, on_line=on_line)
