"""Where the docks of a window are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

from gui.docking.dock import Dock
from gui.docking.late_dock import LateDock
from gui.docking.title import DockTitle

SEEN_FROM_AFAR = ("curves", "devices")
"""Groups of docks that stay visible in the control room."""

_AREAS = {"left": Qt.DockWidgetArea.LeftDockWidgetArea, "right": Qt.DockWidgetArea.RightDockWidgetArea}

_HEIGHTS = {2: [62, 38], 3: [62, 28, 10]}
"""Shares of the height for the places on one side, in per cent, by the number of places."""

_LEFT_PER_CENT = 30
_LEFT_FROM_AFAR_PER_CENT = 40


class Arrangement:
    """The places of `docks` in `window`; each group of docks has one place, where its members are tabs."""

    def __init__(self, window: QMainWindow, docks: Sequence[Dock]) -> None:
        self._window = window
        self._docks = list(docks)
        self.widgets: Mapping[str, QDockWidget] = {dock.key: _widget(dock, window) for dock in docks}
        self._first = self._add()
        self._hidden_near: list[QDockWidget] = []
        self._in_front_near: list[QDockWidget] = []
        self.raise_first_tabs()

    def share_out(self) -> None:
        """Divide the room by shares in per cent, most of it for the curves; does nothing before the window is shown."""
        # Qt shares the room of docks by relative sizes, of the visible ones on one side only. The width comes first: it
        # changes the heights that forms and tables need, and with them what Qt allows for the heights.
        side_of = {dock.group: dock.side for dock in self._docks}
        self._widen_left(_LEFT_PER_CENT)
        for side in _AREAS:
            places = [widget for group, widget in self._first.items() if side_of[group] == side]
            shares = _HEIGHTS.get(len(places), [100 // max(len(places), 1)] * len(places))
            heights_px = [self._window.height() * share // 100 for share in shares]
            self._window.resizeDocks(places, heights_px, Qt.Orientation.Vertical)

    def raise_first_tabs(self) -> None:
        """Bring the first dock of each group to the front."""
        for widget in self._first.values():
            widget.raise_()

    def show_all(self) -> None:
        """Show every dock, also those that were closed."""
        for widget in self.widgets.values():
            widget.show()

    def show_for_afar(self) -> None:
        """Hide the docks that cannot be read from a distance of 3 m, and remember them."""
        near = [self.widgets[dock.key] for dock in self._docks if dock.group not in SEEN_FROM_AFAR]
        # What was open and what was in front is remembered in two lists, since Qt knows the order of tabs only as a
        # saved state, and restoring that state leaves stray tab bars behind.
        self._hidden_near = [widget for widget in near if not widget.isHidden()]
        self._in_front_near = [widget for widget in near if not widget.visibleRegion().isEmpty()]
        for widget in self._hidden_near:
            widget.hide()
        self._widen_left(_LEFT_FROM_AFAR_PER_CENT)

    def show_for_near(self) -> None:
        """Show again the docks that `show_for_afar` has hidden, and divide the room by the usual shares in per cent."""
        # `restoreState` would leave stray tab bars behind.
        for widget in self._hidden_near:
            widget.show()
        for widget in self._in_front_near:
            widget.raise_()
        self._hidden_near = []
        self._in_front_near = []
        self.share_out()

    def hide_stray_bars(self) -> None:
        """Hide the tab bars that Qt leaves behind while docks are put together.

        Such a bar lies across other docks; all of its tabs belong to another bar too.
        """
        bars = self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        tabs = {bar: {bar.tabText(place) for place in range(bar.count())} for bar in bars}
        for bar, own in tabs.items():
            if any(own < other for other in tabs.values()):
                bar.hide()

    def _add(self) -> dict[str, QDockWidget]:
        """Put the docks into the window; return the first of each group."""
        first: dict[str, QDockWidget] = {}
        for dock in self._docks:
            if dock.group not in first:
                first[dock.group] = self.widgets[dock.key]
                self._window.addDockWidget(_AREAS[dock.side], first[dock.group])
        # Every group has its place before it becomes tabs: adding a dock beside tabs would split them.
        for dock in self._docks:
            if first[dock.group] is not self.widgets[dock.key]:
                self._window.tabifyDockWidget(first[dock.group], self.widgets[dock.key])
        return first

    def _widen_left(self, per_cent: int) -> None:
        """Give the left side `per_cent` of the width of the window."""
        visible = [dock for dock in self._docks if not self.widgets[dock.key].isHidden()]
        left, right = (next((self.widgets[one.key] for one in visible if one.side == side), None) for side in _AREAS)
        if left is not None and right is not None:
            widths_px = [self._window.width() * share // 100 for share in (per_cent, 100 - per_cent)]
            self._window.resizeDocks([left, right], widths_px, Qt.Orientation.Horizontal)


def _widget(dock: Dock, window: QMainWindow) -> QDockWidget:
    content = dock.widget
    widget = QDockWidget(dock.title, window) if isinstance(content, QWidget) else LateDock(dock.title, window, content)
    widget.setObjectName(dock.key)
    widget.setTitleBarWidget(DockTitle(widget))
    if isinstance(content, QWidget):
        widget.setWidget(content)
    return widget
