"""What part of a plot is seen: all of the data, or what somebody chose."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer, Signal

from gui.plots.view.box import ZoomBox
from gui.plots.view.history import View, ZoomHistory
from gui.plots.view.ranges import Range, next_range

SETTLE_MS = 350
"""A turn of the mouse wheel is many small changes: what rests so long is one entry of the history."""

Bounds = Callable[[Range | None], tuple[Range | None, Range | None]]


class ViewKeeper(QObject):
    """Keeps a view box on its data, or on a chosen view, with history.

    `bounds(None)` returns the ranges of all data. `chosen` is emitted with the new view (None: all) after a choice.
    """

    chosen = Signal(object)

    def __init__(self, box: ZoomBox, bounds: Bounds, parent: QObject) -> None:
        super().__init__(parent)
        self.history = ZoomHistory()
        self._box = box
        self._bounds = bounds
        self._shown: tuple[Range | None, Range | None] = (None, None)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._note_choice)
        box.sigRangeChangedManually.connect(lambda *_: self._settle.start())
        box.reset_asked.connect(self.reset)

    def follow(self) -> None:
        """After new data: adapt the ranges, unless somebody chose a view or is just choosing one."""
        if self.history.current is not None or self._settle.isActive():
            return
        x, y = self._bounds(None)
        wanted = (
            next_range(self._shown[0], *x) if x else self._shown[0],
            next_range(self._shown[1], *y) if y else self._shown[1],
        )
        if wanted != self._shown:
            self._show(*wanted)

    def choose(self, view: View | None) -> None:
        """Show `view`, None for all data, and remember it."""
        self.history.choose(view)
        self._go(view)

    def reset(self) -> None:
        """Show all data."""
        self.choose(None)

    def back(self) -> None:
        """Show what was shown before."""
        self._go(self.history.back())

    def forward(self) -> None:
        """Show what was left by going back."""
        self._go(self.history.forward())

    def _note_choice(self) -> None:
        (left, right), (low, high) = self._box.viewRange()
        view = View((left, right), (low, high))
        self.history.choose(view)
        self.chosen.emit(view)

    def _go(self, view: View | None) -> None:
        self._settle.stop()
        if view is None:
            self._shown = (None, None)
            self.follow()
        else:
            self._show(*view)
        self.chosen.emit(view)

    def _show(self, x: Range | None, y: Range | None) -> None:
        self._shown = (x, y)
        self._box.setRange(xRange=x, yRange=y, padding=0, disableAutoRange=True)
