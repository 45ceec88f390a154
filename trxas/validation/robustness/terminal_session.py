"""`trxas ipython` on a terminal, in which one line measures; started again after every end."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from processes.terminal import TerminalProcess

FIRST_PROMPT = "In [1]:"

# If the loop raises, the session stays at its prompt, as it would for a person, and counts as a hang.
LINE = (
    "from trxas.validation.robustness.measuring_process import measure_at_prompt; "
    "measure_at_prompt(session, {enough!r}, {datasets}); exit()\r"
)

_LINE_END = re.compile(r"[\r\n]+")
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "MPLBACKEND")
_READER_TIMEOUT_S = 5.0


class TerminalSession:
    """IPython with `options` of `trxas ipython`, in one life after the other; `typed` is typed at its first prompt.

    `screen` is its DISPLAY, "" for none. What the terminal shows is appended to `log`, and each of its lines handed to
    `on_line`.
    """

    def __init__(
        self, options: Sequence[str], typed: str, log: Path, *, screen: str, on_line: Callable[[str], object]
    ) -> None:
        self._command = [sys.executable, "-m", "trxas.commands.main", "ipython", *options]
        self._typed = typed
        self._log = log
        self._screen = screen
        self._on_line = on_line
        self._terminal: TerminalProcess | None = None
        self._reader: threading.Thread | None = None
        self.lives = 0

    def start(self) -> None:
        """Start the next life; the previous one must have ended."""
        self._hang_up()
        self.lives += 1
        environment = {name: value for name, value in os.environ.items() if name not in _SCREENS}
        if self._screen:
            environment["DISPLAY"] = self._screen
        terminal = TerminalProcess(self._command, environment)
        self._terminal = terminal
        self._reader = threading.Thread(target=self._read, args=(terminal,), name="terminal of IPython", daemon=True)
        self._reader.start()

    @property
    def exit_code(self) -> int | None:
        """The exit code of the current life, None while it runs and before the first start."""
        return None if self._terminal is None else self._terminal.process.poll()

    @property
    def pid(self) -> int | None:
        """The process id of the current life, None if it does not run."""
        return None if self._terminal is None or self.exit_code is not None else self._terminal.process.pid

    def kill(self) -> None:
        """Send SIGKILL to the session and hang up."""
        self._hang_up()

    def _hang_up(self) -> None:
        if self._terminal is None or self._reader is None:
            return
        self._terminal.kill()
        # Its reader must end first: the number of the descriptor may be given to another file once it is closed.
        self._reader.join(_READER_TIMEOUT_S)
        self._terminal.close()
        self._terminal = None

    def _read(self, terminal: TerminalProcess) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        begun = ""
        # The line is typed when the first prompt appears, which may come in two pieces: the text that is not ended by a
        # line end is kept as the beginning of the next. Typed earlier, it would reach the terminal before the shell
        # reads from it.
        is_typed = False
        with self._log.open("a", encoding="utf-8") as log:
            for text in terminal.output():
                *lines, begun = _LINE_END.split(begun + text)
                for line in lines:
                    log.write(f"{time.time():.3f} {line}\n")
                    self._on_line(line)
                log.flush()
                if not is_typed and any(FIRST_PROMPT in line for line in (*lines, begun)):
                    is_typed = True
                    terminal.type(self._typed)
