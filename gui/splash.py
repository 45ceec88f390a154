"""What is seen at once, while all that the window needs is read."""

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

T = TypeVar("T")

LOOK_MS = 20
"""How often it is looked whether all has been read."""

SWITCH_S = 5e-4
"""Python's default of 5 ms is what every step of a repaint waits for a busy thread; a repaint has a hundred."""


def bare_application(settings: Path | None = None) -> QApplication:
    """The application of this process, with its look: that remembered in the file of the layout if there is one."""
    sys.setswitchinterval(SWITCH_S)
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)  # nobody makes one without widgets here
    application.setApplicationName("trxas")
    application.setApplicationDisplayName("trxas")
    remembered = "" if settings is None else str(QSettings(str(settings), QSettings.Format.IniFormat).value("theme"))
    apply_theme(application, THEMES.get(remembered, current_theme()))
    return application


def settings_path() -> Path:
    """Where layout and look are remembered: `window.ini` in trxas of the user's configuration folder (XDG)."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "trxas" / "window.ini"


class Opening(Generic[T]):
    """A sign that says `text` while `read` runs on a thread of its own: libraries take seconds.

    `wait` returns what `read` returned, or raises what it raised; the sign stays until `give_way`.
    """

    def __init__(self, text: str, read: Callable[[], T]) -> None:
        self._sign = QLabel(text)
        self._sign.setWindowFlag(Qt.WindowType.SplashScreen)
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sign.setContentsMargins(40, 30, 40, 30)
        self._sign.show()
        self._read: list[T] = []
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._work, args=(read,), name="opening", daemon=True)
        self._thread.start()

    def wait(self) -> T:
        """Keep the sign painted until all has been read."""
        loop, look = QEventLoop(), QTimer(interval=LOOK_MS)
        look.timeout.connect(lambda: None if self._thread.is_alive() else loop.quit())
        look.start()
        loop.exec()
        look.stop()
        if self._failed:
            self._sign.close()
            raise self._failed[0]
        return self._read[0]

    def give_way(self, window: QWidget) -> None:
        """Show the window in place of the sign; in this order, as Qt ends with its last window."""
        window.show()
        self._sign.close()
        self._sign.deleteLater()

    def _work(self, read: Callable[[], T]) -> None:
        try:
            self._read.append(read())
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is raised again by `wait`
            self._failed.append(error)
