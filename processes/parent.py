"""Ending with whoever started this process, however that ended."""

from __future__ import annotations

import os
import signal
import sys
import threading


def end_with_parent() -> None:
    """Send SIGTERM to this process when its standard input is closed: the other end of the pipe goes with its owner."""
    threading.Thread(target=_wait, name="end with parent", daemon=True).start()


def _wait() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
