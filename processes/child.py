"""One child process: its start, its sign of readiness, its last words and its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from errors import TrxasError
from processes.waiting import wait_until

LAST_WORDS = 15
"""Number of output lines that an error message quotes."""


class ChildError(TrxasError):
    """A child process did not become ready, or ends each time it is started; the message quotes its last output."""


@dataclass(frozen=True, kw_only=True)
class ChildProgram:
    """A program to run as a child process; it must end when its standard input is closed.

    It is ready once it prints a line matching `ready`, or once `answers()` returns true; with neither, at once.
    `environment` is added to that of this process. With `separate_errors`, its standard error is not read as lines: it
    goes to the log, or without a log to the standard error of this process. With `restarts`, its owner should restart
    it when it dies. With `times_in_log`, each line of the log begins with its Unix time in s. Start and stop time-outs
    are in seconds of wall time.
    """

    name: str
    command: Sequence[str]
    ready: re.Pattern[str] | None = None
    answers: Callable[[], bool] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 10.0
    restarts: bool = False
    separate_errors: bool = False
    times_in_log: bool = False


class Child:
    """A running `program`.

    A thread reads its output line by line, appends it to `log` (if given), looks for the ready line, and hands each
    line, with its line end, to `on_line`; `on_end` is called on the same thread after the last line. Raises OSError if
    the program cannot be run.
    """

    # The pipe to its standard input is what ties the child to this process: the kernel closes it however this process
    # ends, and the program ends itself then (`processes.parent`). Output is read by a thread from the first byte, as a
    # full pipe would block the child. The program leads a session and so a process group of its own: Ctrl-C in the
    # terminal does not reach it, and a group kill takes its own children along.

    def __init__(
        self,
        program: ChildProgram,
        log: Path | None = None,
        *,
        on_line: Callable[[str], object] = lambda _: None,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self.program = program
        self.log = log
        self._on_line = on_line
        self._on_end = on_end
        self._recent: deque[str] = deque(maxlen=LAST_WORDS)
        self._match: re.Match[str] | None = None
        self._process = self._start()
        self._reader = threading.Thread(target=self._read, name=f"output of {program.name}", daemon=True)
        self._reader.start()

    def __enter__(self) -> Child:
        """Return this child, which is stopped at the end of the context."""
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id; it stays the same after the end."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for the number of a signal; None while it runs."""
        return self._process.poll()

    @property
    def ready(self) -> re.Match[str] | None:
        """Match of the ready line, None until it has been printed."""
        return self._match

    def send(self, line: str) -> None:
        """Write a line to its standard input; raises OSError if the program has ended."""
        stdin = self._stdin
        stdin.write(f"{line}\n")
        stdin.flush()

    def wait_ended(self, timeout_s: float | None = None) -> bool:
        """Wait until it ends by itself, for up to `timeout_s` seconds (None: without limit); return whether it did."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self.exit_code is not None

    def last_words(self) -> str:
        """Return the last 15 lines of its output, or of its standard error if that is separate and logged.

        Raises OSError if the log cannot be read.
        """
        if self.program.separate_errors and self.log is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
            return "".join(lines[-LAST_WORDS:])
        return "".join(self._recent)

    def wait_ready(self, stopping: threading.Event | None = None) -> re.Match[str] | None:
        """Wait until it is ready; return the match of its ready line, None if it is known to be ready without one.

        Return None early when `stopping` is set. Raises ChildError if the program ends or exceeds `start_timeout_s`.
        """
        stopping = stopping or threading.Event()
        timeout_s = self.program.start_timeout_s
        is_ready = wait_until(self._is_ready, timeout_s=timeout_s, meanwhile=self._refuse_early_end, stopping=stopping)
        if not is_ready and not stopping.is_set():
            raise self._error(f"was not ready within {timeout_s:g} s")
        return self._match if is_ready else None

    def stop(self) -> None:
        """Close its standard input, which ends it; after `stop_timeout_s` seconds kill it and its process group.

        Raises nothing if it has ended already.
        """
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(self.program.stop_timeout_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(1.0)

    def kill(self) -> None:
        """Send SIGKILL to this process alone, and wait for its end; its own children must notice by themselves."""
        self._process.kill()
        self._process.wait()
        self.stop()

    def _refuse_early_end(self) -> None:
        """Raise ChildError if the program has ended without being ready, once all of its output has been read."""
        if self.exit_code is None:
            return
        self._reader.join(1.0)
        if not self._is_ready():
            raise self._error(f"ended while starting, with exit code {self.exit_code}")

    @property
    def _stdin(self) -> IO[str]:
        assert self._process.stdin is not None  # started with a pipe
        return self._process.stdin

    def _is_ready(self) -> bool:
        program = self.program
        if program.answers is not None and program.answers():
            return True
        return self._match is not None or (program.ready is None and program.answers is None)

    def _error(self, what: str) -> ChildError:
        where = f"The whole output is in {self.log}." if self.log is not None else ""
        return ChildError(f"The {self.program.name} {what}. Its last output:\n{self.last_words()}{where}")

    def _start(self) -> subprocess.Popen[str]:
        program = self.program
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
        with self._errors() as errors:
            return subprocess.Popen(  # noqa: S603  # programs of our environment
                program.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                errors="replace",
                # A session of its own: Ctrl-C in the terminal is for the parent, which ends its children in order.
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **program.environment},
            )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[IO[str] | int | None]:
        """Yield the target of its standard error; a log can be closed here once the child has inherited it."""
        if not self.program.separate_errors:
            yield subprocess.STDOUT
        elif self.log is None:
            yield None
        else:
            with self.log.open("a", encoding="utf-8") as log:
                yield log

    def _read(self) -> None:
        assert self._process.stdout is not None  # started with a pipe
        logged = self.log if not self.program.separate_errors else None
        with self._process.stdout as output, contextlib.ExitStack() as stack:
            log = None if logged is None else stack.enter_context(logged.open("a", encoding="utf-8"))
            for line in output:
                if log is not None:
                    log.write(f"{time.time():.3f} {line}" if self.program.times_in_log else line)
                    log.flush()
                self._recent.append(line)
                if self.program.ready is not None and self._match is None:
                    self._match = self.program.ready.search(line)
                self._on_line(line)
        self._on_end()
