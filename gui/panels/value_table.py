"""A table of results: quantities, values, and their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from gui.theme import current_theme
from gui.types import Severity
from reduction.fit_quality import is_bad_fit, quality_text

Cell: TypeAlias = str | tuple[str, Severity]
"""Content of a cell: a string, or a string with a severity that gives its colour."""


class ValueTable(QTableWidget):
    """A read-only table with `columns`. Its height fits up to `most_rows` rows; only cells that change are drawn."""

    def __init__(self, columns: Sequence[str], *, most_rows: int = 12, parent: QWidget | None = None) -> None:
        super().__init__(0, len(columns), parent)
        self._most_rows = most_rows
        self.setHorizontalHeaderLabels(list(columns))
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self._fit_rows()

    def name_columns(self, columns: Sequence[str]) -> None:
        """Give the table other `columns`; the cells of removed columns are dropped."""
        if self.columnCount() != len(columns):
            self.setColumnCount(len(columns))
            self.setHorizontalHeaderLabels(list(columns))

    def show_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Replace the content by `rows`, shape (rows, columns), a cell per column; only cells that differ are drawn."""
        # The height follows the number of rows, and with it the layout of the panel; it changes only when that number
        # does. Cells that are equal keep their items, so that a selection survives the next frame.
        if len(rows) != self.rowCount():
            self.setRowCount(len(rows))
            self.updateGeometry()
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                self._show_cell(place, column, cell)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels for header and rows."""
        rows = min(max(self.rowCount(), 1), self._most_rows)
        height = self.horizontalHeader().sizeHint().height() + rows * self.verticalHeader().defaultSectionSize()
        return QSize(super().sizeHint().width(), height + 2 * self.frameWidth() + 2)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels for the header and up to three rows."""
        rows = min(max(self.rowCount(), 1), 3)
        height = self.horizontalHeader().sizeHint().height() + rows * self.verticalHeader().defaultSectionSize()
        return QSize(120, height)

    def contents_width(self) -> int:
        """Return the width of the visible columns, pixels."""
        header = self.horizontalHeader()
        columns = [column for column in range(self.columnCount()) if not self.isColumnHidden(column)]
        return sum(max(self.sizeHintForColumn(column), header.sectionSizeHint(column)) for column in columns)

    def text(self, row: int, column: int) -> str:
        """Return the text of a cell, "" for an empty one; rows and columns count from 0."""
        item = self.item(row, column)
        return item.text() if item is not None else ""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Fit the height of the rows to their font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._fit_rows()
            for row in range(self.rowCount()):
                for column in range(self.columnCount()):
                    self._colour(self.item(row, column))

    def _fit_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(int(1.5 * self.fontMetrics().height()))
        self.updateGeometry()

    def _show_cell(self, row: int, column: int, cell: Cell) -> None:
        text, severity = (cell, "") if isinstance(cell, str) else cell
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self.setItem(row, column, item)
        if item.text() != text or item.data(Qt.ItemDataRole.UserRole) != severity:
            item.setText(text)
            item.setToolTip(text)
            item.setData(Qt.ItemDataRole.UserRole, severity)
            self._colour(item)

    def _colour(self, item: QTableWidgetItem | None) -> None:
        if item is None:
            return
        severity = item.data(Qt.ItemDataRole.UserRole)
        theme = current_theme()
        item.setForeground(QColor(theme.state_colour(severity) if severity else theme.text))
        font = self.font()
        font.setBold(bool(severity))
        item.setFont(font)


def quality_row(chi_square: float, degrees_of_freedom: int) -> list[Cell]:
    """Return chi-square with its p-value as a row of a table, (2,), marked if the points do not follow the fit."""
    text = quality_text(chi_square, degrees_of_freedom)
    cell: Cell = (f"▲ {text}", "warning") if is_bad_fit(chi_square, degrees_of_freedom) else text
    return ["χ² / degrees of freedom", cell]
