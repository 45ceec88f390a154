"""The list of runs as a table, newest first; drawn runs have their colour and marker."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap

from gui.browser.search import ListedRun, Search
from gui.plots.legend_bar import style_icon
from gui.plots.styles import CurveStyle
from gui.theme import current_theme
from gui.types import Severity

COLUMNS = ("", "Scan", "Status", "Sample", "Edge", "Plan", "Began", "Points", "Series")

STATUS_SIGNS: Mapping[str, tuple[str, Severity]] = {
    "complete": ("✓", "good"),
    "running": ("▶", "good"),
    "stopped": ("■", "warning"),
    "interrupted": ("▲", "warning"),
    "abort": ("■", "bad"),
    "fail": ("✕", "bad"),
}
"""Shape and severity of each status of a run."""

STATUS_WORDS = {"abort": "aborted", "fail": "failed"}

Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole


class RunTable(QAbstractTableModel):
    """Model of the runs that match a search. New runs are inserted on top; any other change of the list is a reset."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[ListedRun] = []
        self._shown: list[ListedRun] = []
        self._search = Search()
        self._styles: dict[str, CurveStyle] = {}

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
        changed = [row for row, (old, new) in enumerate(zip(self._shown, runs, strict=True)) if old != new]
        self._shown = runs
        for row in changed:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def _rearrange(self, runs: list[ListedRun]) -> None:
        self.beginResetModel()
        self._shown = runs
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  # Qt's signature
        """Return the number of runs that match the search; 0 below a run, as the list is not a tree."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  # Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        """Return the name of a column; None for a row or another role.

        Raises IndexError for an unknown column.
        """
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour, marker, alignment or tool tip of a cell, by `role`; None for any other role.

        Times are local; points are counts, measured and intended.
        """
        run = self._shown[index.row()]
        if role == _Role.DisplayRole:
            return _cells(run)[index.column()]
        if role == _Role.DecorationRole and index.column() == 0:
            style = self._styles.get(run.summary.uid)
            return None if style is None else _marker(style)
        if role == _Role.ForegroundRole and COLUMNS[index.column()] == "Status":
            return QColor(current_theme().state_colour(STATUS_SIGNS[run.summary.status][1]))
        if role == _Role.ToolTipRole:
            return _tip(run)
        if role == _Role.TextAlignmentRole and COLUMNS[index.column()] in ("Scan", "Points"):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


def status_text(run: ListedRun) -> str:
    """Return shape and word for the status of a run."""
    status = run.summary.status
    return f"{STATUS_SIGNS[status][0]} {STATUS_WORDS.get(status, status)}"


def run_label(run: ListedRun) -> str:
    """Return the name of a run in a legend: "12 CsPbBr3 Br K"."""
    summary = run.summary
    name = summary.uid[:8] if summary.scan_id is None else str(summary.scan_id)
    return " ".join(part for part in (name, summary.sample, summary.edge) if part)


def _marker(style: CurveStyle) -> QIcon:
    """Return the marker of a curve on the background of the plot, which is visible on a selected row too."""
    theme = current_theme()
    icon = style_icon(style, theme)
    size = icon.availableSizes()[0]
    pixmap = QPixmap(size)
    pixmap.fill(QColor(theme.base))
    painter = QPainter(pixmap)
    painter.drawPixmap(0, 0, icon.pixmap(size))
    painter.end()
    marker = QIcon(pixmap)
    marker.addPixmap(pixmap, QIcon.Mode.Selected)
    return marker


def _time_text(time_s: float) -> str:
    then = time.localtime(time_s)
    now = time.localtime()
    if then[:3] == now[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%b %d %H:%M" if then.tm_year == now.tm_year else "%Y-%m-%d", then)


def _cells(run: ListedRun) -> tuple[str, ...]:
    summary = run.summary
    intended = "?" if summary.points_intended is None else summary.points_intended
    return (
        "",
        "" if summary.scan_id is None else str(summary.scan_id),
        status_text(run),
        summary.sample,
        summary.edge,
        summary.plan_name.replace("_", " "),
        _time_text(summary.time_s),
        f"{summary.points_done}/{intended}",
        str(run.start.get("series", "")),
    )


def _tip(run: ListedRun) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.summary.time_s))
    return f"{run.summary.uid}\n{when}\n{run.summary.reason}".strip()
