"""The figures of a session in a window of another process.

Qt ends its process when the X server goes away, aborts it where a library of the screen is missing, and draws in the
main thread only, which waits for a plan or for a person. None of that can happen to a session that has no Qt in it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

from gui.screen import has_screen

logger = logging.getLogger("trxas")

VIEWER = "trxas.prompt.figure_viewer"


class FigureWindow:
    """The latest figure on the screen, if there is one; the window closes with the session."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._has_failed = False

    def show(self, path: Path) -> None:
        """Show a saved figure; does nothing without a screen, with MPLBACKEND=agg, or after the window has failed."""
        if self._has_failed or not has_screen() or os.environ.get("MPLBACKEND", "").lower() == "agg":
            return
        try:
            self._send(path)
        except OSError as error:
            self._has_failed = True
            logger.warning("Figures are not shown, only saved: the window for them does not run (%s).", error)

    def _send(self, path: Path) -> None:
        if self._process is None or self._process.poll() == 0:
            self._process = _viewer()
        elif self._process.returncode is not None:
            raise OSError(f"it ended with exit code {self._process.returncode}")
        assert self._process.stdin is not None  # a pipe was asked for
        self._process.stdin.write(json.dumps(str(path)).encode() + b"\n")
        self._process.stdin.flush()


def _viewer() -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C in the terminal is for the plan.
    return subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-m", VIEWER],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
