"""The process of the window for figures: `python -m trxas.prompt.figure_viewer`.

It shows each image whose path standard input names: a line each, as a JSON string. "shown" on standard output follows
when it is in the window. The process ends when standard input does.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent, QPainter, QPaintEvent, QPixmap
from qtpy.QtWidgets import QApplication, QWidget

SIZE = QSize(840, 720)
"""Size of the window in pixels, that of a figure of an energy scan."""


class FigureWidget(QWidget):
    """One figure at a time, as large as the window; the left and right keys show the others."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[Path] = []
        self._number = -1
        self._image = QPixmap()
        self.resize(SIZE)
        # The keyboard stays with the prompt.
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)

    def add(self, path: str) -> None:
        """Show a figure, and the window if it was closed."""
        self._paths.append(Path(path))
        self._turn_to(len(self._paths) - 1)
        self.show()
        print("shown", flush=True)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        """Show the previous or the next figure with the left and right keys."""
        assert event is not None
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        self._turn_to(min(max(self._number + step, 0), len(self._paths) - 1))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002, N802  # Qt's name and argument
        """Draw the image as large as the window allows."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        if not self._image.isNull():
            mode = Qt.AspectRatioMode.KeepAspectRatio
            scaled = self._image.scaled(self.size(), mode, Qt.TransformationMode.SmoothTransformation)
            painter.drawPixmap((self.width() - scaled.width()) // 2, (self.height() - scaled.height()) // 2, scaled)

    def _turn_to(self, number: int) -> None:
        self._number = number
        path = self._paths[number]
        self._image = QPixmap(str(path))
        self.setWindowTitle(f"{path.stem} ({number + 1} of {len(self._paths)})")
        self.update()


class Lines(QObject):
    """Standard input, read on its own thread and passed to the thread of the window."""

    named = Signal(str)
    ended = Signal()

    def read(self) -> None:
        """Read a path per line until the other end closes; raises ValueError for a line that is not a JSON string."""
        for line in sys.stdin:
            self.named.emit(json.loads(line))
        self.ended.emit()


def main() -> int:
    """Show figures until standard input ends."""
    application = QApplication(["trxas figures"])
    # The process lives as long as its session, not as long as its window: a person who closes the window gets it again
    # with the next figure.
    application.setQuitOnLastWindowClosed(False)
    widget = FigureWidget()
    lines = Lines()
    lines.named.connect(widget.add)
    lines.ended.connect(application.quit)
    threading.Thread(target=lines.read, daemon=True).start()
    return int(application.exec())


if __name__ == "__main__":
    sys.exit(main())
