"""Qt without a screen: its platform has no window manager, and writes a line whenever it should talk to one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qtpy.QtCore import qInstallMessageHandler

NO_SIZE_HINTS = "This plugin does not support propagateSizeHints()"
"""Message of Qt's offscreen platform at every change of a window's limits of size; it has no category to switch off."""


@contextmanager
def without_size_hints() -> Iterator[None]:
    """Context in which Qt does not write that the offscreen platform has no size hints; all else goes to stderr."""

    def write(_kind: Any, _context: Any, message: str) -> None:
        if message != NO_SIZE_HINTS:
            print(message, file=sys.stderr)

    previous = qInstallMessageHandler(write)
    try:
        yield
    finally:
        qInstallMessageHandler(previous)
