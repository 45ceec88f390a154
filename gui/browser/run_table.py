"""The list of runs as a table, newest first; drawn runs have their colour and marker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from qtpy.QtGui import QColor

from gui.browser.run_cells import STATUS_SIGNS, cells_of, marker_icon, sparkline, tool_tip
from gui.browser.search import ListedRun, Search
from gui.plots.styles import CurveStyle
from gui.theme import current_theme
from gui.types import Severity
from storage.table.cells import fixed_texts, size_text, user_names, user_text, user_title
from storage.table.columns import ColumnValue, UserColumns
from storage.table.night_table import NightRow

NIGHT_COLUMNS: Mapping[str, str] = {
    "Delay": "delay",
    "Transient": "transient",
    "Size": "size",
    "Null χ²": "null tests",
    "Photons": "photons",
}
"""Columns of the night's table, by their titles here, which are computed from the data of a run."""

EDITABLE = ("Comment", "Rating", "Tags")
"""Columns that a user changes by typing into them."""

COLUMNS = (
    "", "Scan", "Status", "Sample", "Edge", "Plan", "Began", "Transient", "Size", "Null χ²", *EDITABLE,
    "Delay", "Points", "Photons", "Series",
)  # fmt: skip
"""Columns that every table has, the most useful first; a user's own come after them."""


Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole


class RunTable(QAbstractTableModel):
    """Model of the runs that match a search. New runs are inserted on top; any other change of the list is a reset.

    Signal `note_edited(uid, column, text)`: a user has typed another rating, other tags or another comment.
    """

    note_edited = Signal(str, str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[ListedRun] = []
        self._shown: list[ListedRun] = []
        self._search = Search()
        self._styles: dict[str, CurveStyle] = {}
        self._night: dict[str, NightRow] = {}
        self._user_columns = UserColumns()
        self._user_names: list[str] = []

    @property
    def titles(self) -> list[str]:
        """Titles of all columns, the user's own at the end with their units."""
        return [*COLUMNS, *(user_title(name, self._user_columns) for name in self._user_names)]

    def show_night(self, rows: Sequence[NightRow], columns: UserColumns) -> None:
        """Show the computed numbers and notes of these runs, and the user's own `columns`.

        Other columns than before reset the model, which clears the selection.
        """
        names = user_names(columns, rows)
        other_columns = (names, columns.units) != (self._user_names, self._user_columns.units)
        if other_columns:
            self.beginResetModel()
        known = self._night
        self._night = known | {row.run.uid: row for row in rows}
        self._user_names = names
        self._user_columns = columns
        if other_columns:
            self.endResetModel()
        elif self._shown and self._night != known:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, len(self.titles) - 1))

    def night_rows(self) -> list[NightRow]:
        """Return the rows of the runs that match the search, newest first, computed or not."""
        return [
            replace(
                self._night.get(run.summary.uid) or NightRow(run=run.summary, note=run.note, reduced=None),
                note=run.note,
            )
            for run in self._shown
        ]

    @property
    def runs(self) -> Sequence[ListedRun]:
        """Runs that match the search, newest first."""
        return self._shown

    def run(self, uid: str) -> ListedRun | None:
        """Return the run `uid`, whether it matches the search or not; None if it is unknown."""
        return next((run for run in self._all if run.summary.uid == uid), None)

    def row_of(self, uid: str) -> int:
        """Return the row of a run, counted from 0 at the newest; -1 if it is not shown."""
        return next((row for row, run in enumerate(self._shown) if run.summary.uid == uid), -1)

    def show_runs(self, runs: Sequence[ListedRun]) -> None:
        """Replace the list by `runs`, newest first.

        Runs that are only added on top leave selection and position as they are; any other change resets the model,
        which clears the selection.
        """
        self._all = list(runs)
        self._update()

    def show_fitting(self, search: Search) -> None:
        """Show only runs that match `search`."""
        self._search = search
        self._update()

    def mark(self, styles: Mapping[str, CurveStyle]) -> None:
        """Show colour and marker of the drawn runs; `styles` has one per uid, other runs have none."""
        self._styles = dict(styles)
        if self._shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, 0))

    def _update(self) -> None:
        fitting = [run for run in self._all if self._search.fits(run)]
        # Three cases, in the order of their cost for the user. The same runs in the same order: only cells that differ
        # are drawn. New runs on top of the same list, as after each start of a run: an insertion, with which Qt shifts
        # the selection. Anything else, as a new search: a reset, after which the browser selects its runs again.
        old, new = ([run.summary.uid for run in runs] for runs in (self._shown, fitting))
        if new == old:
            self._refresh(fitting)
        elif old and new[-len(old) :] == old:
            # New runs come on top: everything below keeps its selection.
            self.beginInsertRows(QModelIndex(), 0, len(new) - len(old) - 1)
            self._shown = fitting
            self.endInsertRows()
            self._refresh(fitting)
        else:
            self._rearrange(fitting)

    def _refresh(self, runs: list[ListedRun]) -> None:
        # One signal per changed row: the list is read every few seconds, usually with one run that has grown.
        changed = [row for row, (old, new) in enumerate(zip(self._shown, runs, strict=True)) if old != new]
        self._shown = runs
        for row in changed:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.titles) - 1))

    def _rearrange(self, runs: list[ListedRun]) -> None:
        self.beginResetModel()
        self._shown = runs
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  # Qt's signature
        """Return the number of runs that match the search; 0 below a run, as the list is not a tree."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  # Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        """Return the name of a column; None for a row or another role.

        Raises IndexError for an unknown column.
        """
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return self.titles[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return the usual flags of a cell; those of rating, tags and comment can be edited."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.titles[index.column()] in EDITABLE else flags

    def setData(self, index: Index, value: Any, role: int = _Role.EditRole) -> bool:  # noqa: N802  # Qt's name
        """Report what a user has typed by `note_edited`; return whether the cell can be edited.

        The cell changes when the list is read again, with what is stored then.
        """
        title = self.titles[index.column()]
        if role != _Role.EditRole or title not in EDITABLE:
            return False
        # Several windows may edit the notes of one run. So the cell waits for the stored text instead of showing its
        # own.
        self.note_edited.emit(self._shown[index.row()].summary.uid, title, str(value))
        return True

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour, marker, alignment or tool tip of a cell, by `role`; None for any other role.

        Times are local; points are counts, measured and intended.
        """
        run = self._shown[index.row()]
        title = self.titles[index.column()]
        if role in (_Role.DisplayRole, _Role.EditRole):
            return self._text(run, index.column(), edited=role == _Role.EditRole)
        if role == _Role.DecorationRole and title == "Transient":
            row = self._night.get(run.summary.uid)
            return None if row is None or row.reduced is None else sparkline(row.reduced.sparkline)
        if role == _Role.DecorationRole and index.column() == 0:
            style = self._styles.get(run.summary.uid)
            return None if style is None else marker_icon(style)
        if role == _Role.ForegroundRole:
            severity = self._severity(run, index.column())
            return None if severity is None else QColor(current_theme().state_colour(severity))
        if role == _Role.ToolTipRole:
            return self._tip(run, index.column())
        if role == _Role.TextAlignmentRole and title in ("Scan", "Points", "Photons"):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _text(self, run: ListedRun, column: int, *, edited: bool) -> str:
        """Return the text of a cell; while it is `edited`, a rating is a number and a comment has all its lines."""
        title = self.titles[column]
        own = cells_of(run)
        if title in own:
            return own[title]
        row = self._night.get(run.summary.uid)
        if title in EDITABLE:
            if edited:
                return str(
                    {"Rating": run.note.rating, "Tags": ", ".join(run.note.tags), "Comment": run.note.comment}[title]
                )
            # The note of the run, not that of the computed row: notes are read with the list, and rows are computed
            # later.
            return fixed_texts(NightRow(run=run.summary, note=run.note, reduced=None))[title.lower()]
        if row is None or row.reduced is None:
            return ""
        if title in NIGHT_COLUMNS:
            return "" if title == "Transient" else fixed_texts(row)[NIGHT_COLUMNS[title]]
        return user_text(self._own_cell(run, column), self._user_columns)

    def _severity(self, run: ListedRun, column: int) -> Severity | None:
        """Return the state that the colour of a cell shows, which its text shows too; None for the usual colour."""
        if self.titles[column] == "Status":
            return STATUS_SIGNS[run.summary.status][1]
        own = self._own_cell(run, column)
        return "warning" if own is not None and own.error else None

    def _own_cell(self, run: ListedRun, column: int) -> ColumnValue | None:
        """Return the cell of a user's column; None for other columns, and before it is computed."""
        row = self._night.get(run.summary.uid)
        if column < len(COLUMNS) or row is None or row.reduced is None:
            return None
        return row.reduced.cells.get(self._user_names[column - len(COLUMNS)])

    def _tip(self, run: ListedRun, column: int) -> str:
        """Return what a cell has no room for: its whole text, the meaning of a size or why there is none, and the run.

        The cell of a user's column that has failed gives the whole error.
        """
        title = self.titles[column]
        row = self._night.get(run.summary.uid)
        reduced = None if row is None else row.reduced
        own = self._own_cell(run, column)
        if own is not None and own.error:
            return f"{self._user_names[column - len(COLUMNS)]} failed for this run.\n{own.error}"
        if reduced is not None and title == "Size":
            return "\n".join(filter(None, (size_text(reduced), reduced.quantity or reduced.problem)))
        if reduced is not None and title == "Null χ²":
            return "\n".join(
                f"{test.name}: {test.chi_square:.1f} / {test.degrees_of_freedom}, p = {test.p_value:.3g}"
                for test in reduced.null_tests
            )
        if title == "Comment" and run.note.comment:
            return f"{run.note.comment}\n{run.note.by}"
        return "\n".join(filter(None, (self._text(run, column, edited=False), tool_tip(run))))
