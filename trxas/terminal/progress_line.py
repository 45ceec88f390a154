"""The one line of progress at the bottom of a terminal, drawn with rich's columns.

Rich's own live display would hide the cursor, take over standard output and redraw from a thread of its own. A session
can do with none of these: its prompt is used while a plan is paused, and a killed process must leave a usable terminal.
So the line is drawn here, in the thread that counts, and only when something has been counted. Lines that are printed
with `write` appear above it. In a log, where nothing can be drawn over, a new line is written every 10 s.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

UPDATE_S = 0.1
LOG_UPDATE_S = 10.0
"""Shortest time between two updates of the line, on a terminal and in a log."""

SPEED_OVER_S = 3600.0
"""Time over which the speed of the work is averaged. Rich takes 30 s, but an exposure or a sample may take minutes."""

_TERMINAL_WIDTH = 80
_BAR_WIDTH = 30
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Counts steps of one piece of work and shows them on standard error; the work may begin again and again."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._drawn_at_s = 0.0
        self._is_drawn = False

    def begin(self, label: str, total: int, unit: str) -> None:
        """Begin work of `total` steps, each a `unit` in words; what was counted before is forgotten."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        with self._lock:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(_BAR_WIDTH),
                TaskProgressColumn(),
                MofNCompleteColumn(),
                TextColumn(f"{unit}, elapsed"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[remark]}"),
                auto_refresh=False,
                speed_estimate_period=SPEED_OVER_S,
            )
            self._task = self._progress.add_task(label, total=total, remark="")
            self._draw(is_last=False)

    def advance(self, steps: int, remark: str = "") -> None:
        """Count `steps` more, and draw the line at most every 0.1 s (in a log: 10 s).

        `remark` stands at the end of the line. Does nothing before the work has begun.
        """
        with self._lock:
            if self._progress is None or self._task is None:
                return
            self._progress.update(self._task, advance=steps, remark=remark)
            interval_s = UPDATE_S if sys.stderr.isatty() else LOG_UPDATE_S
            if time.monotonic() - self._drawn_at_s >= interval_s:
                self._draw(is_last=False)

    def end(self) -> None:
        """End the work; its last state stays on the terminal."""
        with self._lock:
            if self._progress is not None:
                self._draw(is_last=True)
            self._progress = None
            self._task = None

    def remark(self, text: str) -> None:
        """Write `text` at the end of the line of a terminal, until the next step; a log has its own lines."""
        if sys.stderr.isatty():
            with self._lock:
                if self._progress is not None and self._task is not None:
                    self._progress.update(self._task, remark=text)
                    self._draw(is_last=False)

    def write(self, text: str, stream: TextIO | None = None) -> None:
        """Print `text` above the line, on standard output unless another `stream` is given."""
        with self._lock:
            if self._is_drawn:
                _put(sys.stderr, _CLEAR)
            print(text, file=stream, flush=True)
            if self._is_drawn:
                self._draw(is_last=False)

    def _draw(self, *, is_last: bool) -> None:
        # On a terminal the line is written over itself: back to the start of the line, erase, write. It has no line end
        # until the work is over, so that the next table row can take its place. `_is_drawn` says whether there is
        # something to erase.
        self._drawn_at_s = time.monotonic()
        text = self._text()
        if not sys.stderr.isatty():
            _put(sys.stderr, f"{text}\n")
            return
        self._is_drawn = not is_last
        _put(sys.stderr, _CLEAR + text + ("\n" if is_last else ""))

    def _text(self) -> str:
        from rich.console import Console

        assert self._progress is not None  # only work that has begun is drawn
        fancy = sys.stderr.isatty()
        # Measured for each line: the person may have changed the size of the terminal.
        width = Console(file=sys.stderr).width if fancy else _TERMINAL_WIDTH * 2
        console = Console(file=sys.stderr, width=width, force_terminal=fancy, no_color=not fancy)
        with console.capture() as captured:
            console.print(self._progress.get_renderable(), overflow="ellipsis", no_wrap=True, crop=True)
        lines = captured.get().splitlines()
        return lines[0].rstrip() if lines else ""


def _put(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


PROGRESS = ProgressLine()
"""The line of this process: a terminal has room for one."""


class LogAboveLine(logging.Handler):
    """Writes what is logged on standard error, on lines of its own above the line of progress."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message; an error in it is reported as `logging` does."""
        try:
            PROGRESS.write(self.format(record), sys.stderr)
        except Exception:  # noqa: BLE001  # the rule of logging: a message never ends the program
            self.handleError(record)


_LOG = LogAboveLine(logging.WARNING)


def log_above_line() -> None:
    """Show warnings of trxas above the line of progress from now on; Python's own handler would write into it."""
    logging.getLogger("trxas").addHandler(_LOG)
