"""The window put together: worker, panels, monitors, settings."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pyqtgraph as pg
from qtpy.QtCore import QSettings, QTimer
from qtpy.QtWidgets import QApplication

from gui.live.feed import Feed
from gui.live.worker import LiveWorker
from gui.panels.bunches import BunchesPanel
from gui.panels.checks import ChecksPanel
from gui.panels.devices import DevicesPanel
from gui.panels.diffraction import DiffractionPanel
from gui.panels.excited import ExcitedPanel
from gui.panels.fluence import FluencePanel
from gui.panels.kinetics import KineticsPanel
from gui.panels.log import LogPanel
from gui.panels.panel import Panel
from gui.panels.spectra import SpectraPanel
from gui.panels.static import StaticPanel
from gui.panels.trends import TrendsPanel
from gui.splash import bare_application, settings_path
from gui.status.item import StatusItem
from gui.status.monitors import ChannelAccessStatus, StatusSource
from gui.window import Dock, MainWindow
from reduction.powder.diffraction import DetectorGeometry

WAKE_MS = 200
"""Python sees Ctrl-C only between Qt's events: one that does nothing comes this often."""


def make_application() -> QApplication:
    """The application of this process, with its look."""
    # Sharp lines are worth more than smooth ones, and cost a third.
    pg.setConfigOptions(antialias=False, useOpenGL=False)
    return bare_application()


def standard_docks(
    items: Sequence[StatusItem] = (), source: StatusSource | None = None, geometry: DetectorGeometry | None = None
) -> list[Dock]:
    """The panels, each in its first place."""
    places: list[tuple[Panel, str, str]] = [
        (SpectraPanel(), "right", "curves"),
        (KineticsPanel(), "right", "curves"),
        (FluencePanel(), "right", "curves"),
        (ExcitedPanel(), "right", "curves"),
        (StaticPanel(), "right", "curves"),
        (DiffractionPanel(geometry), "right", "curves"),
        (BunchesPanel(), "right", "quality"),
        (ChecksPanel(), "right", "quality"),
        (TrendsPanel(), "right", "quality"),
        (DevicesPanel(items, source), "left", "devices"),
        (LogPanel(), "left", "log"),
    ]
    return [Dock(panel.key, panel.title, panel, area, group) for panel, area, group in places]


def make_window(
    feed: Feed,
    *,
    items: Sequence[StatusItem] = (),
    source: StatusSource | None = None,
    geometry: DetectorGeometry | None = None,
    more_docks: Callable[[LiveWorker], Sequence[Dock]] = lambda _worker: (),
    settings: Path | None = None,
    closing: Sequence[Callable[[], object]] = (),
) -> MainWindow:
    """A window on `feed`; its worker runs until it is closed.

    `items`: what of the beamline is shown, over Channel Access unless another `source` is given. `geometry`: of the
    area detector. `more_docks` makes docks that need the worker. `settings`: file of the remembered layout.
    `closing`: what else ends with the window.
    """
    if source is None and items:
        source = ChannelAccessStatus(items)
    worker = LiveWorker(feed)
    standard = standard_docks(items, source, geometry)
    # What others add comes before devices and log: control belongs to the top of the left side.
    docks = [*standard[:-2], *more_docks(worker), *standard[-2:]]
    stored = QSettings(str(settings or settings_path()), QSettings.Format.IniFormat)
    ends: list[Callable[[], object]] = [worker.stop, *closing]
    if source is not None:
        ends.append(source.close)
    window = MainWindow(worker, docks, stored, ends)
    worker.start()
    return window


def run_window(application: QApplication, window: MainWindow) -> int:
    """Show the window until it is closed, or until Ctrl-C; returns the exit code."""
    # Through the event loop: a window that is closed before that runs would not end it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: QTimer.singleShot(0, window.close))
    wake = QTimer(window, interval=WAKE_MS)
    wake.timeout.connect(lambda: None)
    wake.start()
    window.show()
    return int(application.exec())
