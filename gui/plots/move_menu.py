"""A right click in a plot: move an axis of the beamline to that place, or to a place that a fit has found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QPoint, Signal
from qtpy.QtWidgets import QMenu

from gui.plots.line_plot import LinePlot


@dataclass(frozen=True, kw_only=True)
class FoundPlace:
    """A place on an axis that the data give, in the unit of the axis; `name` as in "the fitted time zero"."""

    name: str
    value: float


class MoveMenu(QObject):
    """Menu of a plot over an axis of the beamline, whose event field is `axis`.

    `offset` is what the plot shows minus what the axis is set to, in the unit of the plot: the distance of the probe
    that is shown from the first one. `places` is called at each click; what it returns is offered besides the place of
    the click. Signal `asked(str, float)`: axis and target, in its unit.
    """

    asked = Signal(str, float)

    def __init__(self, plot: LinePlot, axis: str, places: Callable[[], Sequence[FoundPlace]] = tuple) -> None:
        super().__init__(plot)
        self.axis = axis
        self.offset = 0.0
        self._places = places
        self._plot = plot
        plot.canvas.box.place_asked.connect(self._open)

    def disable(self) -> None:
        """Show no menu, in a window that controls no beamline."""
        self._plot.canvas.box.place_asked.disconnect(self._open)

    def menu_at(self, place: float) -> QMenu:
        """Return the menu for a click at `place`, in places along the drawn axis."""
        menu = QMenu(self._plot)
        quantity = self._plot.x_quantity
        value = self._plot.abscissa_near(place) - self.offset
        self._add(menu, f"Move the {quantity.name} here: {quantity.text(value)}…", value)
        for found in self._places():
            self._add(menu, f"Go to {found.name}: {quantity.text(found.value)}…", found.value)
        return menu

    def _add(self, menu: QMenu, text: str, value: float) -> None:
        menu.addAction(text).triggered.connect(partial(self._ask, value))

    def _ask(self, value: float, *_checked: Any) -> None:
        self.asked.emit(self.axis, value)

    def _open(self, place: float, at: QPoint) -> None:
        # Shown without waiting for the choice: the plot keeps growing meanwhile.
        menu = self.menu_at(place)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)
