"""A process on its own terminal, as a person at a prompt starts one.

`python -m processes.terminal TTY COMMAND ...` becomes COMMAND with TTY as its controlling terminal.
"""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence

ROWS = 50

COLUMNS = 180

_CHUNK = 65_536
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[=>()][0-9A-B]?)")


class TerminalProcess:
    """A command with a terminal at its standard input, output and error, and so with Ctrl-C, size and colours.

    The terminal hangs up when this object is closed or this process ends, however that happens: then the command gets
    SIGHUP. `environment` replaces that of this process. Raises OSError if there is no free terminal.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        own_end, other_end = pty.openpty()
        # A file object, not the number of its descriptor: the system gives the number of a closed file to the next one
        # opened. A second close, or a thread that still reads, would then close or read that other file.
        self._own_end = io.FileIO(own_end, "r+")
        termios.tcsetwinsize(other_end, (ROWS, COLUMNS))
        variables = dict(os.environ if environment is None else environment)
        # A prompt asks the terminal where its cursor is, and warns after two seconds if no answer comes, as none would.
        variables |= {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        try:
            # A session leader without a terminal gets the first one that it opens as its controlling terminal, so
            # `main` opens it. The terminal is the child's streams from the start, as reading ends while no process has
            # it open.
            self.process = subprocess.Popen(  # noqa: S603  # the caller's command
                [sys.executable, "-m", "processes.terminal", os.ttyname(other_end), *command],
                stdin=other_end,
                stdout=other_end,
                stderr=other_end,
                start_new_session=True,
                env=variables,
            )
        finally:
            os.close(other_end)

    def type(self, text: str) -> None:
        """Type `text`, where a carriage return is the return key; raises ValueError once the terminal is closed."""
        self._own_end.write(text.encode())

    def output(self) -> Iterator[str]:
        """Yield the text that the terminal shows, in pieces of at most 65 536 bytes, until the process has ended.

        Escape sequences are removed.
        """
        pending = ""
        while True:
            try:
                chunk = self._own_end.read(_CHUNK)
            except (OSError, ValueError):
                # On Linux, reading fails when no process has the other end open; ValueError: ours was closed.
                return
            if not chunk:
                return
            text = pending + chunk.decode(errors="replace")
            # An escape sequence may be cut at the end of a chunk.
            cut = text.rfind("\x1b", max(len(text) - 16, 0))
            pending = "" if cut < 0 or _ESCAPES.match(text, cut) else text[cut:]
            yield _ESCAPES.sub("", text.removesuffix(pending))

    def kill(self, timeout_s: float = 30.0) -> None:
        """End the command with SIGKILL and wait up to `timeout_s` seconds; raises TimeoutExpired if it does not end."""
        self.process.kill()
        self.process.wait(timeout_s)

    def close(self) -> None:
        """End the process and hang up; raises nothing if that has been done already."""
        self.kill()
        self._own_end.close()


def main(arguments: Sequence[str]) -> None:
    """Make `arguments[0]` the terminal of this process, and become the command in the remaining arguments."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    terminal = os.open(arguments[0], os.O_RDWR)
    for stream in range(3):
        os.dup2(terminal, stream)
    os.close(terminal)
    os.execv(arguments[1], list(arguments[1:]))  # noqa: S606  # the caller's command


if __name__ == "__main__":
    main(sys.argv[1:])
