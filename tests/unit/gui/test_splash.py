"""If these fail, a start that takes long or fails shows nothing."""

from __future__ import annotations

import threading

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QWidget

from gui.splash import Splash


def test_the_sign_lives_until_the_window_is_there(qtbot: QtBot) -> None:
    """If this fails, starting the window looks like a program that hangs."""
    ticked = threading.Event()
    timer = QTimer(interval=5)
    timer.timeout.connect(ticked.set)
    timer.start()
    splash = Splash("Opening …", lambda: ticked.wait(20.0))
    assert splash.wait()
    signs = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    assert len(signs) == 1
    window = QWidget()
    qtbot.addWidget(window)
    splash.finish(window)
    assert [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()] == [window]
    window.close()
    timer.stop()


def test_what_goes_wrong_while_reading_is_raised(qtbot: QtBot) -> None:
    def read() -> None:
        raise ImportError("no such library")

    with pytest.raises(ImportError, match="no such library"):
        Splash("Opening …", read).wait()
