"""A dock whose content is made when it is first seen."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDockWidget, QWidget


class LateDock(QDockWidget):
    """A dock with `title` in `window`, whose content comes from `make` when it is first seen or asked for.

    A window has panels for every technique, and a run fills two or three of them. Most of the time to open a window
    would go into plots that stay behind other tabs. Signal `made(QWidget)`: the content has just been made.
    """

    made = Signal(QWidget)

    def __init__(self, title: str, window: QWidget, make: Callable[[], QWidget]) -> None:
        super().__init__(title, window)
        self._make: Callable[[], QWidget] | None = make
        self.visibilityChanged.connect(self._make_if_seen)

    @property
    def is_made(self) -> bool:
        """Whether the content is there."""
        return self._make is None

    def widget(self) -> QWidget:
        """Return the content, which is made if it was not there; raises the errors of `make`."""
        # Forgotten before it is called: setting the content makes the dock visible, which leads back to here.
        make = self._make
        self._make = None
        if make is not None:
            content = make()
            self.setWidget(content)
            self.made.emit(content)
        return super().widget()

    def _make_if_seen(self, seen: bool) -> None:  # noqa: FBT001  # a slot of Qt
        # Qt emits this for a dock that is shown, and for a tab that comes to the front, but not for the tabs behind it.
        if seen:
            self.widget()
