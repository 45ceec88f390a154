"""The drawing area: axes, grid, curves, and a word across them when they are not live."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from gui.plots.area import PlotArea
from gui.plots.axis import Quantity, UnitAxis
from gui.plots.grid import Grid
from gui.plots.scales import Scale
from gui.plots.view.box import ZoomBox
from gui.theme import Theme

PIXELS_PER_POINT = 96.0 / 72.0
"""Logical pixels of Qt per typographic point."""

NO_DATA = "No data yet."
"""Message in a plot without curves, unless its panel gives another one."""


class Canvas(pg.GraphicsView):
    """A plot without automatic ranges and menus. Signal `painted()`: after every paint event."""

    painted = Signal()

    def __init__(self, x: Quantity, y: Quantity, x_scale: Scale | None, parent: QWidget | None = None) -> None:
        self.bottom = UnitAxis("bottom", x, x_scale)
        self.left = UnitAxis("left", y)
        self.box = ZoomBox()
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(100)
        self.setCentralItem(PlotArea(self.box, self.bottom, self.left))
        self.grid = Grid(self.bottom, self.left)
        self.box.addItem(self.grid, ignoreBounds=True)
        self._said = ""
        self._message = self._overlay(Qt.AlignmentFlag.AlignCenter)
        self._watermark = self._overlay(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self._show_message()

    def apply_theme(self, theme: Theme) -> None:
        """Apply the colours of `theme` and sizes in points from its font."""
        self.setBackground(theme.base)
        for axis in (self.bottom, self.left):
            axis.apply_theme(theme, PIXELS_PER_POINT)
        self.grid.apply_theme(theme)
        self._message.setStyleSheet(f"color: {theme.muted}; background: transparent;")
        self._watermark.setStyleSheet(
            f"color: {theme.warning}; background: transparent; font-weight: bold;"
            f"font-size: {1.6 * theme.font_points:g}pt;"
        )

    def show_message(self, text: str) -> None:
        """Write `text` across the plot; "" for none, or for `NO_DATA` in an empty plot."""
        self._said = text
        self._show_message()

    def set_empty(self, *, empty: bool) -> None:
        """Show neither ticks nor grid if the plot is `empty`."""
        for axis in (self.bottom, self.left):
            axis.set_empty(empty=empty)
        self.grid.update()
        self._show_message()

    def _show_message(self) -> None:
        text = self._said or (NO_DATA if self.left.empty else "")
        # The word over the plot is the reason; in a low plot the two texts would overlap.
        if text == NO_DATA and self._watermark.text():
            text = ""
        if self._message.text() != text:
            self._message.setText(text)
            self._message.setVisible(bool(text))

    def mark(self, word: str) -> None:
        """Dim the curves to 35 % and write `word` over them; "" restores them."""
        if self._watermark.text() != word:
            self._watermark.setText(word)
            self._watermark.setVisible(bool(word))
            self.box.childGroup.setOpacity(0.35 if word else 1.0)
            self._show_message()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Move the overlaid words with the plot."""
        super().resizeEvent(event)
        if hasattr(self, "_watermark"):
            inner = self.rect().adjusted(70, 8, -12, -40)
            self._message.setGeometry(inner)
            self._watermark.setGeometry(inner)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint, then emit `painted`."""
        super().paintEvent(event)
        self.painted.emit()

    # Labels of Qt over the plot, not items inside it: they keep their size when the plot is zoomed, wrap, and let the
    # mouse through to the curves.
    def _overlay(self, alignment: Qt.AlignmentFlag) -> QLabel:
        label = QLabel(self)
        label.setAlignment(alignment)
        label.setWordWrap(True)
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        label.hide()
        return label
