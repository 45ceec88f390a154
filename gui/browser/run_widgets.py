"""The widgets of the list of runs: its search line and its table."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableView, QWidget

from gui.browser.run_table import RunTable
from gui.browser.search import HINT


def search_line(parent: QWidget) -> QLineEdit:
    """Return an empty search line, whose tool tip explains the conditions."""
    line = QLineEdit(parent)
    line.setPlaceholderText('Search: CsPbBr3 edge="Br K"')
    line.setToolTip(f"Words, and conditions on any metadata:\n{HINT}")
    line.setClearButtonEnabled(True)
    return line


def table_view(model: RunTable, parent: QWidget) -> QTableView:
    """Return the table of `model`, in which several rows can be selected; icons are at most 96 x 48 pixels."""
    table = QTableView(parent)
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
