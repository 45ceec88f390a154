"""The crosshair, which shows values and errors of the points nearest to the mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QLineF, QObject, Signal
from qtpy.QtGui import QPainter, QPen

from gui.plots.canvas import Canvas
from gui.plots.error_bar_curve import ErrorBarCurve
from gui.plots.view.item import ViewItem
from gui.theme import Theme
from reduction.number_text import with_error

LARGEST_SHARE = 0.05
"""A point farther from the mouse than this share of the axis is not shown."""

MOST_CURVES = 4
"""With more curves only the one nearest to the mouse is shown, because the line of text is short."""


class CrossLines(ViewItem):
    """Two lines through the point that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._at: tuple[float, float] | None = None
        self._pen = QPen()
        self.setZValue(100)

    def apply_theme(self, theme: Theme) -> None:
        """Take the colour of `theme`."""
        self._pen = pg.mkPen(theme.muted, width=1)
        self._pen.setCosmetic(True)

    def move_to(self, at: tuple[float, float] | None) -> None:
        """Cross at `at` (x, y) in plot coordinates; None hides the lines."""
        if at != self._at:
            self._at = at
            self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Draw both lines."""
        if self._at is None:
            return
        rect = self.boundingRect()
        (x, y) = self._at
        painter.setPen(self._pen)
        painter.drawLine(QLineF(x, rect.top(), x, rect.bottom()))
        painter.drawLine(QLineF(rect.left(), y, rect.right(), y))


class Crosshair(QObject):
    """Crosshair at the mouse on a canvas. Signal `read(str)`: text of the points there, "" when the mouse leaves."""

    read = Signal(str)

    def __init__(self, canvas: Canvas, curves: Mapping[str, ErrorBarCurve], x_text: Callable[[float], str]) -> None:
        super().__init__(canvas)
        self.lines = CrossLines()
        self._canvas = canvas
        self._curves = curves
        self._x_text = x_text
        canvas.box.addItem(self.lines, ignoreBounds=True)
        canvas.scene().sigMouseMoved.connect(self._moved)

    def read_at(self, x: float, y: float) -> str:
        """Return the text of the points nearest to (x, y), plot coordinates, and move the lines there; "" for none."""
        # All curves are read at the same abscissa, that of the point nearest to the mouse, because they share their
        # grid in most plots. In which curve "nearest" is measured is decided by the distance in y, relative to the
        # range that is shown: in plot coordinates a transient of 0.01 would always win against a signal of 1.
        visible = [curve for curve in self._curves.values() if curve.isVisible() and curve.x.size]
        (left, right), (low, high) = self._canvas.box.viewRange()
        found = [(curve, index) for curve in visible if (index := _nearest(curve, x, right - left)) is not None]
        if not found:
            self.lines.move_to(None)
            return ""
        nearest = min(found, key=lambda pair: abs(float(pair[0].y[pair[1]]) - y) / (high - low))
        at = float(nearest[0].x[nearest[1]])
        self.lines.move_to((at, float(nearest[0].y[nearest[1]])))
        shown = found if len(found) <= MOST_CURVES else [nearest]
        return "   ".join([self._x_text(at), *(_text(curve, index) for curve, index in shown)])

    def _moved(self, position: Any) -> None:
        box = self._canvas.box
        if not box.sceneBoundingRect().contains(position):
            self.lines.move_to(None)
            self.read.emit("")
            return
        point = box.mapSceneToView(position)
        self.read.emit(self.read_at(point.x(), point.y()))


def _nearest(curve: ErrorBarCurve, x: float, span: float) -> int | None:
    index = int(np.argmin(np.abs(curve.x - x)))
    near = abs(float(curve.x[index]) - x) <= LARGEST_SHARE * span
    return index if near and np.isfinite(curve.y[index]) else None


def _text(curve: ErrorBarCurve, index: int) -> str:
    sigma = None if curve.sigma is None else float(curve.sigma[index])
    return f"{curve.label}: {with_error(float(curve.y[index]), sigma)}"
