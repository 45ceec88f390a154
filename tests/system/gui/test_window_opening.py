"""If these fail, a user sees stray labels or nothing while the window opens."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from gui.application import make_window
from gui.live.feed import QueueFeed


class WindowsSeen(QObject):
    """Notes every widget that is shown as its own window."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[QWidget] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(watched)
        return False


def test_no_stray_widget_flashes_up(qtbot: QtBot, tmp_path: Path) -> None:
    """If this fails, little windows appear and vanish while the window opens."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    windows = WindowsSeen()
    application.installEventFilter(windows)
    try:
        window = make_window(QueueFeed("test"), settings=tmp_path / "window.ini")
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        window.refresh()
    finally:
        application.removeEventFilter(windows)
    assert [type(widget) for widget in windows.seen if not isinstance(widget, QMainWindow)] == []
    window.close()
