"""Many points and lines in one call: arrays go to Qt directly, without one object per point."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import internals
from qtpy.QtCore import QLineF, QPointF
from qtpy.QtGui import QPainter

from reduction.types import BoolArray, FloatArray

_GAP = 1e-3


class Strokes:
    """Buffers for points and lines, reused from paint to paint. Coordinates are pixels, (points,) each.

    With `whole`, all coordinates are known to be finite, and are not checked in every paint. The curves of pyqtgraph
    draw in the same way. Its buffer class is undocumented, which is why only this module uses it.
    """

    def __init__(self) -> None:
        self._lines = internals.PrimitiveArray(QLineF, 4)
        self._points = internals.PrimitiveArray(QPointF, 2)

    def polyline(self, painter: QPainter, x: FloatArray, y: FloatArray, *, whole: bool = False) -> None:
        """Draw lines from point to point, with gaps where a coordinate is not finite.

        Arrays of shape (points,), pixels.
        """
        ends = self._room_for_lines(max(x.size - 1, 0))
        ends[:, 0] = x[:-1]
        ends[:, 1] = y[:-1]
        ends[:, 2] = x[1:]
        ends[:, 3] = y[1:]
        self._draw_lines(painter, ends, whole=whole)

    def dashes(self, painter: QPainter, x: FloatArray, y: FloatArray, pattern_px: tuple[float, float]) -> None:
        """Draw dashes along the line from point to point, `pattern_px` long and apart, with gaps as in `polyline`.

        Arrays of shape (points,), pixels.
        """
        cut_x, cut_y, drawn = dashed(x, y, pattern_px)
        ends = self._room_for_lines(int(drawn.sum()))
        ends[:, 0] = cut_x[:-1][drawn]
        ends[:, 1] = cut_y[:-1][drawn]
        ends[:, 2] = cut_x[1:][drawn]
        ends[:, 3] = cut_y[1:][drawn]
        self._draw_lines(painter, ends)

    def upright(
        self, painter: QPainter, x: FloatArray, top: FloatArray, bottom: FloatArray, *, whole: bool = False
    ) -> None:
        """Draw vertical lines at `x` from `top` to `bottom`, (lines,) each, pixels."""
        ends = self._room_for_lines(x.size)
        ends[:, 0] = x
        ends[:, 1] = top
        ends[:, 2] = x
        ends[:, 3] = bottom
        self._draw_lines(painter, ends, whole=whole)

    def marks(self, painter: QPainter, x: FloatArray, y: FloatArray, strokes: FloatArray) -> None:
        """Draw at each point (points,) the lines `strokes` (lines, 4): x1, y1, x2, y2 relative to the point, pixels."""
        ends = self._room_for_lines(x.size * len(strokes))
        shaped = ends.reshape(x.size, len(strokes), 4)
        shaped[:, :, 0::2] = x[:, None, None] + strokes[None, :, 0::2]
        shaped[:, :, 1::2] = y[:, None, None] + strokes[None, :, 1::2]
        self._draw_lines(painter, ends)

    def dots(self, painter: QPainter, x: FloatArray, y: FloatArray) -> None:
        """Draw a dot of the width and cap of the pen at each point; arrays of shape (points,), pixels."""
        known = np.isfinite(x) & np.isfinite(y)
        self._points.resize(int(known.sum()))
        places = self._points.ndarray()
        places[:, 0] = x[known]
        places[:, 1] = y[known]
        if len(places):
            painter.drawPoints(*self._points.drawargs())

    def _room_for_lines(self, number: int) -> FloatArray:
        self._lines.resize(number)
        return np.asarray(self._lines.ndarray())

    def _draw_lines(self, painter: QPainter, ends: FloatArray, *, whole: bool = False) -> None:
        # A line with an end that is not finite is left out, which makes the gaps. Infinity and NaN are found in one sum
        # per line; Qt would draw them somewhere. The array is filled again with the lines that are left, as Qt takes
        # its content as it is.
        if not whole:
            known = np.isfinite(ends.sum(axis=1))
            if not known.all():
                kept = ends[known]
                self._room_for_lines(len(kept))[:] = kept
        if len(self._lines):
            painter.drawLines(*self._lines.drawargs())


def dashed(x: FloatArray, y: FloatArray, pattern: tuple[float, float]) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return a line (points,) cut where dashes begin and end, as x and y (cuts,), and which parts (cuts - 1,) to draw.

    `pattern`: lengths of a dash and of the space behind it. Dashes continue around the points.
    """
    # A tenth of the time of Qt, which strokes a dashed path as a polygon. A gap has a length, however short, so that
    # its two ends are different places along the line.
    steps = np.nan_to_num(np.hypot(np.diff(x), np.diff(y)), nan=_GAP)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    begins = np.arange(0.0, along[-1], sum(pattern))
    cuts = np.sort(np.concatenate([along, begins, np.minimum(begins + pattern[0], along[-1])]))
    middle = 0.5 * (cuts[:-1] + cuts[1:])
    return np.interp(cuts, along, x), np.interp(cuts, along, y), middle % sum(pattern) < pattern[0]
