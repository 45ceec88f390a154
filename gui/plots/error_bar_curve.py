"""A curve with error bars that is cheap to replace: it is painted at once, in pixels, from numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from qtpy.QtCore import Qt
from qtpy.QtGui import QPainter, QPen, QTransform

from gui.plots.strokes import Strokes
from gui.plots.styles import DASHES, CurveStyle
from gui.plots.view.item import ViewItem
from gui.plots.view.ranges import Range, value_bounds
from gui.theme import Theme, current_theme
from reduction.types import FloatArray

_EMPTY = np.zeros(0)
_FAR_PX = 1e5
"""Coordinates beyond this overflow Qt's rasteriser."""

_LONG_PX = 2e4
"""Coordinates beyond this belong to a line of which most is outside of any screen."""

_SHAPES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "diamond": ((0, -1, 1, 0), (1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1)),
    "triangle": ((0, -1, 1, 0.8), (1, 0.8, -1, 0.8), (-1, 0.8, 0, -1)),
    "cross": ((-1, -1, 1, 1), (-1, 1, 1, -1)),
    "plus": ((-1, 0, 1, 0), (0, -1, 0, 1)),
}
"""Markers made of strokes (x1, y1, x2, y2), in half marker sizes, y downwards."""


class ErrorBarCurve(ViewItem):
    """One curve: `x` (places along the axis), `y` and `sigma`, (points,) each; `sigma` is None without errors.

    `bars_shown`: whether error bars are drawn. `label`: for the legend. `sets_range`: whether its values count for the
    range of the ordinate; if not, it may leave the plot.
    """

    def __init__(self, label: str, style: CurveStyle) -> None:
        super().__init__()
        self.label = label
        self.style = style
        self.bars_shown = style.bars
        self.sets_range = True
        self.x = _EMPTY
        self.y = _EMPTY
        self.sigma = None
        self._strokes = Strokes()
        self._whole = True
        self._theme = current_theme()
        self._set_pens()

    x: FloatArray
    y: FloatArray
    sigma: FloatArray | None

    def set_data(self, x: ArrayLike, y: ArrayLike, sigma: ArrayLike | None = None) -> None:
        """Replace the points; all arrays have shape (points,).

        The arrays are not copied: do not change them afterwards.
        """
        self.x = np.asarray(x, dtype=float)
        self.y = np.asarray(y, dtype=float)
        self.sigma = None if sigma is None else np.asarray(sigma, dtype=float)
        # One value that is not finite makes the sum so, too. Data are painted several times, and looked at once.
        with np.errstate(over="ignore", invalid="ignore"):
            total = self.x.sum() + self.y.sum() + (0.0 if self.sigma is None else self.sigma.sum())
        self._whole = bool(np.isfinite(total))
        self.update()

    def show_bars(self, shown: bool) -> None:  # noqa: FBT001  # a Qt slot
        """Draw error bars if `shown`."""
        self.bars_shown = shown
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Apply the colours of `theme`, and its scale for line widths and markers in pixels."""
        self._theme = theme
        self._set_pens()
        self.update()

    def x_bounds(self) -> Range | None:
        """Return the lowest and highest place along the axis, of an array of shape (points,); None without points."""
        return value_bounds(self.x, None) if self.x.size else None

    def y_bounds(self, within: Range | None = None) -> Range | None:
        """Return the lowest and highest value, of an array of shape (points,), with the error bars that are drawn.

        Only points whose place is inside `within` count; None if there are none.
        """
        inside = slice(None) if within is None else (self.x >= within[0]) & (self.x <= within[1])
        values = self.y[inside]
        sigma = self.sigma[inside] if self.sigma is not None and self.bars_shown else None
        return value_bounds(values, sigma) if values.size else None

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Draw bars, line and markers in pixels, so that pens and markers need no transformation."""
        if not self.x.size:
            return
        # Everything is drawn in pixels of the screen, with a unit transformation. With the transformation of the plot,
        # pens and markers would be stretched by its scales, which differ by many orders between the axes. The
        # coordinates are clipped, as Qt overflows far outside of the picture.
        to_pixels = painter.worldTransform()
        x = _pixels(self.x, to_pixels.m11(), to_pixels.dx())
        y = _pixels(self.y, to_pixels.m22(), to_pixels.dy())
        painter.save()
        painter.setWorldTransform(QTransform())
        if self.sigma is not None and self.bars_shown:
            self._paint_bars(painter, x, y, np.abs(self.sigma * to_pixels.m22()))
        if self.style.line:
            self._paint_line(painter, x, y)
        if self.style.marker:
            self._paint_markers(painter, x, y)
        painter.restore()

    def _set_pens(self) -> None:
        """Make the pens of bars and line, which takes as long as to draw some hundred lines with them."""
        self._bar_pen = QPen(self.style.colour(self._theme), max(1.0, round(0.8 * self._theme.scale)))
        self._line_pen = self.style.pen(self._theme)
        self._dash_pen = QPen(self.style.colour(self._theme), self._line_pen.widthF())

    def _paint_bars(self, painter: QPainter, x: FloatArray, y: FloatArray, sigma_px: FloatArray) -> None:
        painter.setPen(self._bar_pen)
        self._strokes.upright(painter, x, _within(y - sigma_px), _within(y + sigma_px), whole=self._whole)

    def _paint_line(self, painter: QPainter, x: FloatArray, y: FloatArray) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._line_pen)
        if self.style.line == "solid":
            self._strokes.polyline(painter, x, y, whole=self._whole)
        elif not ((np.abs(x) > _LONG_PX).any() or (np.abs(y) > _LONG_PX).any()):
            width_px = self._line_pen.widthF()
            painter.setPen(self._dash_pen)
            dash, space = DASHES[self.style.line]
            self._strokes.dashes(painter, x, y, (dash * width_px, space * width_px))
        else:
            # Most dashes of such a line would not be seen; Qt makes only those that are.
            painter.drawPath(pg.arrayToQPath(x, y, connect="finite"))

    def _paint_markers(self, painter: QPainter, x: FloatArray, y: FloatArray) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = self.style.marker_px * self._theme.scale
        colour = self.style.colour(self._theme)
        if self.style.marker in ("circle", "square"):
            cap = Qt.PenCapStyle.RoundCap if self.style.marker == "circle" else Qt.PenCapStyle.SquareCap
            painter.setPen(QPen(colour, size, Qt.PenStyle.SolidLine, cap))
            self._strokes.dots(painter, x, y)
        else:
            painter.setPen(QPen(colour, 1.4 * self._theme.scale))
            self._strokes.marks(painter, x, y, 0.6 * size * np.array(_SHAPES[self.style.marker]))


def _pixels(values: FloatArray, scale: float, offset: float) -> FloatArray:
    # What a record that was never set holds, up to 1e308, may overflow: infinity is clipped like any other value.
    with np.errstate(over="ignore"):
        return _within(values * scale + offset)


def _within(places: FloatArray) -> FloatArray:
    """Return `places`, pixels, without those that are too far away to be drawn: such are moved to the limit."""
    # The usual case costs two looks instead of a copy; a NaN fails both comparisons, and is left as it is by the copy.
    if places.min() >= -_FAR_PX and places.max() <= _FAR_PX:
        return places
    return np.clip(places, -_FAR_PX, _FAR_PX)
