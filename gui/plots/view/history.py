"""The views of a plot that the user has chosen, to go back and forward."""

from __future__ import annotations

from typing import NamedTuple

DEPTH = 50
"""Number of views that are remembered."""


class View(NamedTuple):
    """Ranges of both axes, in the plot's coordinates."""

    x: tuple[float, float]
    y: tuple[float, float]


class ZoomHistory:
    """Views in the order in which they were chosen; None stands for all data."""

    def __init__(self) -> None:
        self._views: list[View | None] = [None]
        self._at = 0

    @property
    def current(self) -> View | None:
        """View to show."""
        return self._views[self._at]

    @property
    def can_go_back(self) -> bool:
        """Whether there is an earlier view."""
        return self._at > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether there is a later view."""
        return self._at < len(self._views) - 1

    def choose(self, view: View | None) -> None:
        """Make `view` the current one, and forget all later views; beyond 50 views the oldest one is dropped."""
        if view == self.current:
            return
        self._views = [*self._views[: self._at + 1], view][-DEPTH:]
        self._at = len(self._views) - 1

    def back(self) -> View | None:
        """Go back and return the previous view, or the first one."""
        self._at = max(self._at - 1, 0)
        return self.current

    def forward(self) -> View | None:
        """Go forward and return the next view, or the last one."""
        self._at = min(self._at + 1, len(self._views) - 1)
        return self.current
