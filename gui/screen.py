"""The screen of this process, if it has one."""

from __future__ import annotations

import os
import sys


def has_screen() -> bool:
    """Return whether the environment names a screen, on which a window can be seen."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) or sys.platform == "darwin"
