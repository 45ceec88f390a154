"""`trxas ipython` on a terminal, with and without a screen, as a person uses it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes.terminal import TerminalProcess
from processes.virtual_screen import PROGRAM, VirtualScreen, virtual_screen
from tests.support.waiting import until
from trxas.prompt.figure_window import VIEWER

START_S, SCAN_S = 240.0, 180.0
"""How long a session may take to its first prompt, and a scan of ten seconds to its end, on a busy machine."""


class TerminalSession:
    """A session at whose prompt a test types."""

    def __init__(self, *options: str, screen: str = "") -> None:
        environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        environment.pop("QT_QPA_PLATFORM", None)
        environment.pop("MPLBACKEND", None)
        if screen:
            environment["DISPLAY"] = screen
        command = [sys.executable, "-m", "trxas.commands.main", "ipython", *options]
        self.terminal = TerminalProcess(command, environment)
        self.shown = ""
        self._number = 1
        threading.Thread(target=self._follow, daemon=True).start()

    def start(self) -> None:
        """Wait for the first prompt."""
        self._wait_for_prompt(START_S)

    def begin(self, line: str) -> int:
        """Type a line; returns where its output begins in `shown`."""
        where = len(self.shown)
        self.terminal.type(line + "\r")
        self._number += 1
        return where

    def finish(self, where: int) -> str:
        """Wait for the next prompt; returns the output since `where`."""
        self._wait_for_prompt(SCAN_S)
        return self.shown[where:]

    def run(self, line: str) -> str:
        """Type a line and return what the terminal showed until the next prompt."""
        return self.finish(self.begin(line))

    def end(self) -> int:
        """Leave; returns the exit code."""
        self.terminal.type("exit\r")
        return self.terminal.process.wait(START_S)

    def _wait_for_prompt(self, timeout_s: float) -> None:
        prompt = f"In [{self._number}]:"
        process = self.terminal.process
        until(lambda: prompt in self.shown or process.poll() is not None, lambda: self.shown[-3000:], timeout_s)
        assert prompt in self.shown, f"the session ended with {process.poll()}: {self.shown[-3000:]}"

    def _follow(self) -> None:
        for text in self.terminal.output():
            self.shown += text


@contextlib.contextmanager
def terminal_session(*options: str, screen: str = "") -> Iterator[TerminalSession]:
    """Open a session on a terminal for the time of the context, with `DISPLAY` as `screen` says."""
    session = TerminalSession(*options, screen=screen)
    try:
        session.start()
        yield session
    finally:
        session.terminal.close()


@contextlib.contextmanager
def screen_or_skip() -> Iterator[VirtualScreen]:
    """Run a virtual screen for the time of the context; skips the test where none is installed."""
    if shutil.which(PROGRAM) is None:
        pytest.skip("no virtual screen: Xvfb is not installed (Debian: xvfb)")
    with virtual_screen() as screen:
        yield screen


def can_show_windows(display: str) -> bool:
    """Return whether Qt finds its libraries for X here: a machine may have Xvfb without them."""
    environment = {name: value for name, value in os.environ.items() if name != "QT_QPA_PLATFORM"}
    command = [sys.executable, "-m", VIEWER]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, env={**environment, "DISPLAY": display}, timeout=START_S, check=False
    )
    return done.returncode == 0


def readme_session() -> list[str]:
    """Return the lines that the README types at the prompt in its five minutes to a first scan."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = text.split("## Five minutes to a first scan")[1].split("\n## ")[0]
    blocks = section.split("```python\n")[1:]
    return [line for block in blocks for line in block.split("```")[0].splitlines() if line.strip()]
