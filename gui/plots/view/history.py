"""Where one has looked in a plot: back, forward, and to the whole."""

from __future__ import annotations

from typing import NamedTuple

DEPTH = 50
"""Views that are remembered."""


class View(NamedTuple):
    """Ranges of both axes, in the plot's coordinates."""

    x: tuple[float, float]
    y: tuple[float, float]


class ZoomHistory:
    """Views in the order they were chosen; None stands for the whole, which follows the data."""

    def __init__(self) -> None:
        self._views: list[View | None] = [None]
        self._at = 0

    @property
    def current(self) -> View | None:
        """What is to be shown."""
        return self._views[self._at]

    @property
    def can_go_back(self) -> bool:
        """Whether there is an earlier view."""
        return self._at > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether a view was left by going back."""
        return self._at < len(self._views) - 1

    def choose(self, view: View | None) -> None:
        """Look at `view` now; what was left by going back is forgotten."""
        if view == self.current:
            return
        self._views = [*self._views[: self._at + 1], view][-DEPTH:]
        self._at = len(self._views) - 1

    def back(self) -> View | None:
        """The view before, the first one if there is none."""
        self._at = max(self._at - 1, 0)
        return self.current

    def forward(self) -> View | None:
        """The view after, the last one if there is none."""
        self._at = min(self._at + 1, len(self._views) - 1)
        return self.current
