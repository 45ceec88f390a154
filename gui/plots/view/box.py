"""The area inside the axes of a plot, and its reactions to the mouse."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QPoint, Qt, Signal


class ZoomBox(pg.ViewBox):
    """A view box: drag to zoom into a rectangle, middle button to move, wheel to zoom, double click for everything.

    Signals: `reset_asked()`: a double click; `place_asked(float, QPoint)`: a right click, its place along the drawn
    abscissa and on the screen.
    """

    reset_asked = Signal()
    place_asked = Signal(float, QPoint)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseMode(pg.ViewBox.RectMode)
        self.disableAutoRange()

    def showAxRect(self, ax: Any, **_: Any) -> None:  # noqa: N802
        """Zoom into the rectangle that was drawn."""
        self.setRange(ax.normalized(), padding=0, disableAutoRange=True)
        self.sigRangeChangedManually.emit(self.state["mouseEnabled"])

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802
        """Report the place of a right click."""
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
            self.place_asked.emit(self.mapSceneToView(event.scenePos()).x(), event.screenPos().toPoint())

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802
        """Ask for all data."""
        event.accept()
        self.reset_asked.emit()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Leave keys to the window; the history of pyqtgraph would conflict with `ZoomHistory`."""
        event.ignore()
