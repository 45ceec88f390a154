"""The visible part of a plot: all data, or a view that the user has chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from qtpy.QtCore import QObject, QTimer, Signal

from gui.plots.view.box import ZoomBox
from gui.plots.view.history import View, ZoomHistory
from gui.plots.view.ranges import Range, next_range

SETTLE_MS = 350
"""A turn of the wheel makes many small changes; a view that stays this long becomes an entry of the history."""

Bounds: TypeAlias = Callable[[Range | None], tuple[Range | None, Range | None]]
"""Returns the ranges of x and y of the data inside a range of x, None for all data."""


class ViewKeeper(QObject):
    """Keeper of a view box on its data or on a chosen view, with a history of views.

    Signal `chosen(View | None)`: the user has chosen another view; None for all data.
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
        """Adapt the ranges to new data, unless the user has chosen a view or is choosing one.

        A choice lasts until 350 ms after the last turn of the wheel. Ranges change in steps; see `next_range`.
        """
        # States: following the data (the current entry of the history is None), showing a chosen view, and choosing,
        # from the first turn of the wheel until the view has been still for a moment. New data change the ranges in the
        # first state only. A drag counts as a choice through the same timer, so that both are one entry of the history.
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
        """Show `view`, or all data for None, and remember it."""
        self.history.choose(view)
        self._go(view)

    def reset(self) -> None:
        """Show all data."""
        self.choose(None)

    def back(self) -> None:
        """Show the previous view."""
        self._go(self.history.back())

    def forward(self) -> None:
        """Show the next view, after going back."""
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
