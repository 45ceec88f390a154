"""Waiting of the main thread while a plan runs."""

from __future__ import annotations

import sys
import threading

from bluesky.utils import DefaultDuringTask, DuringTask


class QuietWait(DuringTask):
    """Wait for the end of a plan that draws meanwhile only if this process already has a Qt figure of matplotlib.

    bluesky's own wait would make matplotlib choose a backend, and start Qt in this process, once matplotlib has been
    imported and there is a screen. A process with Qt in it ends when the X server does (`ssh -X` that was cut), and
    aborts where a library of the screen is missing: a session would be lost to a picture.
    """

    def __init__(self) -> None:
        """Prepare nothing: bluesky's would look for Qt."""

    def block(self, blocking_event: threading.Event) -> None:
        """Return when `blocking_event` is set."""
        if _draws_with_qt():
            DefaultDuringTask().block(blocking_event)
        else:
            blocking_event.wait()


def _draws_with_qt() -> bool:
    # Asked without importing: an import of pyplot would choose a backend and, where there is a screen, start Qt in this
    # process.
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not pyplot.get_fignums():
        return False
    import matplotlib

    return "qt" in str(matplotlib.get_backend(auto_select=False)).lower()
