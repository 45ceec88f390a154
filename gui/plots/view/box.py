"""The area inside the axes of a plot, and its reactions to the mouse."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import Signal


class ZoomBox(pg.ViewBox):
    """A view box: drag to zoom into a rectangle, middle button to move, wheel to zoom, double click for everything.

    Signal `reset_asked()`: a double click.
    """

    reset_asked = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseMode(pg.ViewBox.RectMode)
        self.disableAutoRange()

    def showAxRect(self, ax: Any, **_: Any) -> None:  # noqa: N802
        """Zoom into the rectangle that was drawn."""
        self.setRange(ax.normalized(), padding=0, disableAutoRange=True)
        self.sigRangeChangedManually.emit(self.state["mouseEnabled"])

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802
        """Ask for all data."""
        event.accept()
        self.reset_asked.emit()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Leave keys to the window; the history of pyqtgraph would conflict with `ZoomHistory`."""
        event.ignore()
