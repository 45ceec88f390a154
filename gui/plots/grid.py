"""Grid lines at the ticks of the axes, ten times faster than those of pyqtgraph."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QLineF, QRectF
from qtpy.QtGui import QColor, QPainter, QPen

from gui.plots.axis import UnitAxis
from gui.plots.view.item import ViewItem
from gui.theme import Theme


class Grid(ViewItem):
    """Lines behind the curves, with a stronger one at zero; they are computed only when the view changes."""

    def __init__(self, bottom: UnitAxis, left: UnitAxis) -> None:
        super().__init__()
        self._axes = bottom, left
        self._key: object = None
        self._lines: list[QLineF] = []
        self._pen = QPen()
        self._zero_pen = QPen()
        self.setZValue(-100)

    def apply_theme(self, theme: Theme) -> None:
        """Apply the colours of `theme`; all lines are one pixel wide."""
        self._pen = pg.mkPen(QColor(theme.line), width=1)
        self._zero_pen = pg.mkPen(QColor(theme.muted), width=1)
        self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Draw the lines."""
        rect = self.boundingRect()
        if rect.isEmpty():
            return
        # The lines depend on the view, on the size of the axes, and on whether they are empty. They are computed when
        # one of these differs from the last repaint; a new curve alone repaints the same lines.
        key = (
            rect.left(),
            rect.right(),
            rect.top(),
            rect.bottom(),
            *((axis.size().toTuple(), axis.empty) for axis in self._axes),
        )
        if key != self._key:
            self._key = key
            self._lines = self._lines_in(rect)
        painter.setPen(self._pen)
        painter.drawLines(self._lines)
        if rect.top() < 0.0 < rect.bottom() and not self._axes[1].empty:
            painter.setPen(self._zero_pen)
            painter.drawLine(QLineF(rect.left(), 0.0, rect.right(), 0.0))

    def _lines_in(self, rect: QRectF) -> list[QLineF]:
        bottom, left = self._axes
        x_places = bottom.grid_places(bottom.size().width())
        y_places = left.grid_places(left.size().height())
        upright = [QLineF(place, rect.top(), place, rect.bottom()) for place in x_places]
        return upright + [QLineF(rect.left(), place, rect.right(), place) for place in y_places]
