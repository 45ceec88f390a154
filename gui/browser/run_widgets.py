"""The widgets of the list of runs: its search line and its table."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableView, QWidget

from gui.browser.run_table import COLUMNS, RunTable
from gui.browser.search import HINT

WIDEST: Mapping[str, int] = {
    "Sample": 12, "Plan": 12, "Delay": 14, "Size": 19, "Null χ²": 8, "Comment": 32, "Tags": 14, "Series": 12,
}  # fmt: skip
"""Widest text of a column, in letters of mean width; a longer one is cut, and its cell's tool tip has all of it."""

NARROWEST: Mapping[str, int] = {"Comment": 24}
"""Width of a column whose texts are shorter, in letters: room to type in, and to read what was typed."""

WIDEST_OWN = 18
"""The same for columns of the user's own."""

MARGINS = 2
"""Room beside the text of a cell, in letters."""


class RunTableView(QTableView):
    """The table of runs: each column as wide as its texts, up to the width that leaves room for the others."""

    def sizeHintForColumn(self, column: int) -> int:  # noqa: N802  # Qt's name
        """Return the width of a column, pixels, by its texts and its limit; the header has the room it needs."""
        model = self.model()
        assert isinstance(model, RunTable)
        title = model.titles[column]
        letter_px = self.fontMetrics().averageCharWidth()
        widest = WIDEST.get(title, 0 if column < len(COLUMNS) else WIDEST_OWN)
        narrowest = NARROWEST.get(title, 0)
        width = int(super().sizeHintForColumn(column))
        if narrowest:
            width = max(width, (narrowest + MARGINS) * letter_px)
        return min(width, (widest + MARGINS) * letter_px) if widest else width


def search_line(parent: QWidget) -> QLineEdit:
    """Return an empty search line, whose tool tip explains the conditions."""
    line = QLineEdit(parent)
    line.setPlaceholderText('Search: CsPbBr3 edge="Br K"')
    line.setToolTip(f"Words, and conditions on any metadata:\n{HINT}")
    line.setClearButtonEnabled(True)
    return line


def table_view(model: RunTable, parent: QWidget) -> QTableView:
    """Return the table of `model`, in which several rows can be selected; icons are at most 96 x 48 pixels."""
    table = RunTableView(parent)
    table.setModel(model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    # An upper limit: markers are drawn in the size of the theme.
    table.setIconSize(QSize(96, 48))
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    return table
