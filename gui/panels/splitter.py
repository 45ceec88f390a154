"""Parts of a panel beside each other or above each other, with borders that a user can move."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter, QVBoxLayout, QWidget


def above_each_other(*parts: QWidget, shares: Sequence[int] = ()) -> QSplitter:
    """Return the parts in a column, from the top; `shares` are those of the height that each gets beyond its least."""
    return _split(Qt.Orientation.Vertical, parts, shares)


def beside_each_other(*parts: QWidget, shares: Sequence[int] = ()) -> QSplitter:
    """Return the parts in a row, from the left; `shares` are those of the width that each gets beyond its least."""
    return _split(Qt.Orientation.Horizontal, parts, shares)


def results_below(plot: QWidget, *results: QWidget) -> QWidget:
    """Return a column of a plot, which takes the room that is left, and the results below it."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(plot, 1)
    for one in results:
        layout.addWidget(one)
    return column


def _split(orientation: Qt.Orientation, parts: Sequence[QWidget], shares: Sequence[int]) -> QSplitter:
    split = QSplitter(orientation)
    for part in parts:
        split.addWidget(part)
    for index, share in enumerate(shares):
        split.setStretchFactor(index, share)
    return split
