"""The screen of this process, if it has one."""

from __future__ import annotations

import os
import sys

X11_PACKAGES = "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxkbcommon-x11-0"
"""Debian's packages that Qt needs for a window on an X server; desktops have them, servers often do not."""


def has_screen() -> bool:
    """Return whether the environment names a screen, on which a window can be seen."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) or sys.platform == "darwin"
