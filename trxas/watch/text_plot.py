"""A curve with error bars as lines of braille characters, eight dots each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trxas.watch.view import Curve

DOTS_ACROSS = 2
DOTS_UP = 4
"""Dots in one braille character."""

_BRAILLE = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of the dot in each row (from the top) and column of a braille character."""

MARGIN = 12
"""Characters for the numbers of the vertical axis."""


class _Canvas:
    """Dots on a grid of `width` x `height` characters, between the `low` and `high` ends of both axes."""

    def __init__(self, width: int, height: int, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._columns = DOTS_ACROSS * width
        self._rows = DOTS_UP * height
        self._x = x
        self._y = y
        self._cells = [[0] * width for _ in range(height)]

    def row(self, y: float) -> int:
        """Return the row of dots at `y`, 0 at the top."""
        low, high = self._y
        return round((high - y) / (high - low) * (self._rows - 1))

    def column(self, x: float) -> int:
        """Return the column of dots at `x`, 0 on the left."""
        low, high = self._x
        return round((x - low) / (high - low) * (self._columns - 1))

    def dot(self, column: int, row: int) -> None:
        """Set one dot; those outside of the grid are left out."""
        if 0 <= column < self._columns and 0 <= row < self._rows:
            bit = _BITS[row % DOTS_UP][column % DOTS_ACROSS]
            self._cells[row // DOTS_UP][column // DOTS_ACROSS] |= bit

    def lines(self) -> list[str]:
        """Return the grid as text, a line per row of characters."""
        return ["".join(chr(_BRAILLE + cell) for cell in cells) for cells in self._cells]


def text_plot(curve: Curve, width: int, height: int) -> list[str]:
    """Return the curve as lines of at most `width` characters, `height` of them for the plot itself.

    Two lines with the axes are added. A dashed line is zero. Empty for a curve without points.
    """
    points = [
        (_along(curve, x), y, sigma or 0.0)
        for x, y, sigma in zip(curve.x, curve.y, curve.sigma, strict=True)
        if x is not None and y is not None
    ]
    if not points:
        return []
    x_ends = _ends([x for x, _, _ in points])
    y_ends = _ends([0.0, *(y - sigma for _, y, sigma in points), *(y + sigma for _, y, sigma in points)])
    canvas = _Canvas(max(width - MARGIN, 10), height, x_ends, y_ends)
    _draw(canvas, points, max(width - MARGIN, 10))
    ends = (min(x for x in curve.x if x is not None), max(x for x in curve.x if x is not None))
    return [f"{'':>{MARGIN}}{curve.y_label}", *_labelled(canvas.lines(), y_ends), _x_axis(curve, ends, width)]


def _along(curve: Curve, x: float) -> float:
    """Return where `x` stands on the axis, linear or not."""
    return x if curve.linear_to is None else math.asinh(x / curve.linear_to)


def _draw(canvas: _Canvas, points: Sequence[tuple[float, float, float]], width: int) -> None:
    # Every second pair of dots: the line of zero must not look like a row of error bars.
    zero = canvas.row(0.0)
    for column in range(0, DOTS_ACROSS * width, 4):
        canvas.dot(column, zero)
    for x, y, sigma in points:
        column = canvas.column(x)
        for row in range(canvas.row(y + sigma), canvas.row(y - sigma) + 1):
            canvas.dot(column, row)
        # The value itself is wider than its error bar, so that it is seen on it.
        for beside in (-1, 0, 1):
            canvas.dot(column + beside, canvas.row(y))


def _labelled(lines: Sequence[str], y_ends: tuple[float, float]) -> list[str]:
    labels = [""] * len(lines)
    labels[0] = f"{y_ends[1]:.3g}"
    labels[-1] = f"{y_ends[0]:.3g}"
    return [f"{label:>{MARGIN - 1}} {line}" for label, line in zip(labels, lines, strict=True)]


def _x_axis(curve: Curve, x_ends: tuple[float, float], width: int) -> str:
    low, high = (f"{end:.6g}" for end in x_ends)
    room = max(width - MARGIN - len(low) - len(high), len(curve.x_label) + 2)
    return f"{'':>{MARGIN}}{low}{curve.x_label:^{room}}{high}"


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low = min(values)
    high = max(values)
    return (low, high) if high > low else (low - 1.0, high + 1.0)
