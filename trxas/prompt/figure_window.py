"""The figures of a session in a window of another process.

Qt ends its process when the X server goes away, aborts it where a library of the screen is missing, and draws in the
main thread only, which waits for a plan or for a person. None of that can happen to a session that has no Qt in it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

from gui.screen import X11_PACKAGES, has_screen
from processes.child import Child, ChildProgram

logger = logging.getLogger("trxas")

VIEWER = "trxas.prompt.figure_viewer"


class FigureWindow:
    """The latest figure on the screen, if there is one; the window closes with the session."""

    def __init__(self) -> None:
        self._viewer: Child | None = None
        self._has_failed = False

    def show(self, path: Path) -> None:
        """Show a saved figure; does nothing without a screen, with MPLBACKEND=agg, or after the window has failed.

        Never raises: a window that does not start, or has ended with an error, is reported once.
        """
        if self._has_failed or not has_screen() or os.environ.get("MPLBACKEND", "").lower() == "agg":
            return
        try:
            self._send(path)
        except OSError as error:
            self._has_failed = True
            if self._viewer is not None:
                self._viewer.stop()
            logger.warning(
                "Figures are saved but not shown, because their window is not running (%s). If Qt lacks libraries for "
                "this screen, install them (Debian: apt install %s) and start the session again.",
                error,
                X11_PACKAGES,
            )

    def _send(self, path: Path) -> None:
        # States of the viewer: not started, running, ended in good order (exit code 0, as at the end of a desktop
        # session), failed. It is started again after the third; after a failure it is not, because the cause (no
        # library, no screen) stays, and each attempt takes seconds.
        if self._viewer is None or self._viewer.exit_code == 0:
            self._viewer = Child(ChildProgram(name="figure window", command=[sys.executable, "-m", VIEWER]))
        elif self._viewer.exit_code is not None:
            raise OSError(f"it ended with exit code {self._viewer.exit_code}")
        self._viewer.send(json.dumps(str(path)))
