"""The end of a child process together with its parent, however the parent ended."""

from __future__ import annotations

import os
import signal
import sys
import threading


def end_with_parent() -> None:
    """Send SIGTERM to this process once its standard input is closed.

    The parent holds the other end of that pipe, and the kernel closes it even if the parent was killed. A process that
    must clean up first handles SIGTERM; any other ends at once.
    """
    # Reading blocks until there is a byte or the end of the file, so the thread costs nothing. SIGTERM, not exit(): a
    # thread cannot run the clean-up of the main thread, and a signal handler can.
    threading.Thread(target=_wait_for_close, name="end with parent", daemon=True).start()


def _wait_for_close() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
