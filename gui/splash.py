"""The splash screen, and the application that it needs; this module imports nothing slow."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from qtpy.QtCore import QEventLoop, QSettings, Qt, QTimer
from qtpy.QtWidgets import QApplication, QLabel, QWidget

from gui.theme import THEMES, apply_theme, current_theme
from processes.switch_interval import switch_soon

T = TypeVar("T")

POLL_MS = 20
"""Interval at which `Splash.wait` checks whether the work is done, ms."""


def bare_application(settings: Path | None = None) -> QApplication:
    """Return the application of this process, in the theme remembered in the file `settings` if there is one.

    Also sets the switch interval of Python for the whole process, see `SWITCH_S`.
    """
    switch_soon()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)  # nothing here makes one without widgets
    application.setApplicationName("trxas")
    application.setApplicationDisplayName("trxas")
    remembered = "" if settings is None else str(QSettings(str(settings), QSettings.Format.IniFormat).value("theme"))
    apply_theme(application, THEMES.get(remembered, current_theme()))
    return application


def settings_path() -> Path:
    """Return the file that remembers layout and theme: `trxas/window.ini` in the user's configuration folder (XDG)."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "trxas" / "window.ini"


class Splash(Generic[T]):
    """A splash screen that shows `text` while `work` (slow imports, for example) runs in its own thread.

    `wait` returns the result of `work`, or raises its exception; the splash screen stays until `finish`.
    """

    def __init__(self, text: str, work: Callable[[], T]) -> None:
        self._label = QLabel(text)
        self._label.setWindowFlag(Qt.WindowType.SplashScreen)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setContentsMargins(40, 30, 40, 30)
        # Not every window manager places a splash screen: without one it would appear as a scrap in the corner.
        self._label.adjustSize()
        self._label.move(self._label.screen().availableGeometry().center() - self._label.rect().center())
        self._label.show()
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(work,), name="splash", daemon=True)
        self._thread.start()

    def wait(self) -> T:
        """Keep the splash screen painted until the work is done; return its result. Raises what the work raises."""
        # An event loop of its own: the application's has not begun yet, and the label must be painted and moved while
        # the imports run in the other thread. They hold Python's lock for long stretches, in which the label stands
        # still.
        loop = QEventLoop()
        timer = QTimer(interval=POLL_MS)
        timer.timeout.connect(lambda: None if self._thread.is_alive() else loop.quit())
        timer.start()
        loop.exec()
        timer.stop()
        if self._errors:
            self._label.close()
            raise self._errors[0]
        return self._results[0]

    def finish(self, window: QWidget) -> None:
        """Show `window` in place of the splash screen."""
        # In this order: Qt ends the application with its last window.
        window.show()
        self._label.close()
        self._label.deleteLater()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._results.append(work())
        except BaseException as error:  # noqa: BLE001  # `wait` raises it again, whatever it is
            self._errors.append(error)
