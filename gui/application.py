"""The window put together: worker, panels, monitors, settings."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pyqtgraph as pg
from qtpy.QtCore import QSettings, QTimer
from qtpy.QtWidgets import QApplication

from gui.docking.dock import Dock
from gui.live.feed import Feed
from gui.live.run_state import FindDecay
from gui.live.worker import LiveWorker
from gui.panels.context import PanelContext
from gui.panels.panel import Panel
from gui.panels.registry import panel_docks
from gui.splash import bare_application, settings_path
from gui.window import MainWindow

WAKE_MS = 200
"""Interval of an idle timer: Python sees Ctrl-C only while Qt handles an event."""


def make_application() -> QApplication:
    """Return the application of this process, in its theme."""
    # Sharp lines are worth more than smooth ones, and a third faster.
    pg.setConfigOptions(antialias=False, useOpenGL=False)
    return bare_application()


def make_window(
    feed: Feed,
    *,
    beamline: PanelContext = PanelContext(),  # noqa: B008  # frozen
    more_docks: Callable[[LiveWorker], Sequence[Dock]] = lambda _worker: (),
    settings: Path | None = None,
    closing: Sequence[Callable[[], object]] = (),
    find_decay: FindDecay = lambda _: None,
    move: Callable[[str, float], object] | None = None,
) -> MainWindow:
    """Return a window on `feed` with docks for all panels; its worker runs until the window is closed.

    `beamline`: facts that the panels need; its `source` is closed with the window. `more_docks`: makes docks that need
    the worker. `settings`: file that remembers the layout. `closing`: called when the window closes.
    `find_decay`: looks for the decay that corrects a run. `move`: asks to move an axis of the beamline, by its event
    field, to a value in its unit; None for plots that only show.
    """
    worker = LiveWorker(feed, find_decay)
    own = panel_docks(beamline, lambda panel: _connect_moves(panel, move))
    # Other docks come before the left panels: control belongs to the top of the left side.
    docks = [
        *(dock for dock in own if dock.side == "right"),
        *more_docks(worker),
        *(dock for dock in own if dock.side == "left"),
    ]
    stored = QSettings(str(settings or settings_path()), QSettings.Format.IniFormat)
    ends: list[Callable[[], object]] = [worker.stop, *closing]
    if beamline.source is not None:
        ends.append(beamline.source.close)
    window = MainWindow(worker, docks, stored, ends)
    worker.start()
    return window


def _connect_moves(panel: Panel, move: Callable[[str, float], object] | None) -> None:
    for menu in panel.move_menus():
        if move is None:
            menu.disable()
        else:
            menu.asked.connect(move)


def run_window(application: QApplication, window: MainWindow) -> int:
    """Show the window until it is closed or Ctrl-C is pressed; return the exit code."""
    # By way of the event loop: closing the window before the loop runs would not end it.
    # Qt waits for events in C++, where Python handles no signal. The timer below wakes it up, so that Ctrl-C is noticed
    # within a moment even if nothing else happens.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: QTimer.singleShot(0, window.close))
    wake = QTimer(window, interval=WAKE_MS)
    wake.timeout.connect(lambda: None)
    wake.start()
    window.show()
    return int(application.exec())
