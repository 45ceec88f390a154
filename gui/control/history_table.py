"""The plans that the queue has run, how they ended, and why."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.control.queue_client import QueueClient
from gui.control.snapshot import Outcome, Snapshot
from gui.control.wording import OUTCOME_SIGNS, arguments_line, clock, outcome_line
from gui.theme import current_theme

LONGEST = 200
"""Largest number of plans that are shown; the server stores them all."""

COLUMNS = ("Ended", "Status", "Plan", "Scan", "Reason and arguments")


class HistoryTable(QWidget):
    """Table of the plans that have ended, the latest first.

    Signals: `run_chosen(str)`: uid of the first run of a plan that was double-clicked; `copy_requested(QueueItem)`: the
    arguments of that plan are wanted in the form of a new plan.
    """

    run_chosen = Signal(str)
    copy_requested = Signal(object)

    def __init__(self, client: QueueClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._shown: tuple[Outcome, ...] | None = None
        self.table = QTableWidget(0, len(COLUMNS), self)
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.again = QPushButton("Queue again", self)
        self.again.setToolTip("Add the selected plan to the end of the queue, with the same arguments.")
        self.again.clicked.connect(self._queue_again)
        self.copy = QPushButton("Edit a copy", self)
        self.copy.setToolTip("Open the selected plan in its form, as a new plan.")
        self.copy.clicked.connect(self._copy)
        self.table.cellDoubleClicked.connect(self._open)
        self.table.itemSelectionChanged.connect(self._follow_selection)
        row = QHBoxLayout()
        row.addWidget(self.again)
        row.addWidget(self.copy)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addLayout(row)
        client.snapshot_changed.connect(self.show_snapshot)
        self.show_snapshot(client.snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the latest 200 plans of the history; an unchanged history is not drawn again."""
        history = snapshot.history[:LONGEST]
        if history == self._shown:
            return
        self._shown = history
        self.table.setRowCount(len(history))
        for row, outcome in enumerate(history):
            self._fill(row, outcome, snapshot)
        self._follow_selection()

    def _fill(self, row: int, outcome: Outcome, snapshot: Snapshot) -> None:
        line = arguments_line(outcome.item, snapshot.plans.get(outcome.item.name))
        runs = ", ".join(map(str, outcome.scan_ids))
        last = f"{outcome.reason}   ({line})" if outcome.reason else line
        cells = (clock(outcome.ended_s), outcome_line(outcome), outcome.item.title, runs, last)
        for column, text in enumerate(cells):
            cell = QTableWidgetItem(text)
            cell.setToolTip(text)
            if column == 1:
                severity = OUTCOME_SIGNS[outcome.status][1] if outcome.status in OUTCOME_SIGNS else "unknown"
                cell.setForeground(QColor(current_theme().state_colour(severity)))
            if column == 3:
                cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, cell)

    def _selected(self) -> Outcome | None:
        row = self.table.currentRow()
        # Qt keeps a current row when its selection is cleared, and the history may be shorter than it was: a row counts
        # only if it is selected and exists.
        chosen = self.table.selectedItems() and self._shown and 0 <= row < len(self._shown)
        return self._shown[row] if chosen and self._shown else None

    def _follow_selection(self) -> None:
        for button in (self.again, self.copy):
            button.setEnabled(self._selected() is not None)

    def _copy(self) -> None:
        outcome = self._selected()
        if outcome is not None:
            self.copy_requested.emit(outcome.item)

    def _queue_again(self) -> None:
        outcome = self._selected()
        if outcome is not None:
            self._client.repeat(outcome.item)

    def _open(self, row: int, _column: int) -> None:
        if self._shown and self._shown[row].run_uids:
            self.run_chosen.emit(self._shown[row].run_uids[0])

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Colour the states again after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "again"):
            self._shown = None
            self.show_snapshot(self._client.snapshot)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels that is wide enough for a reason."""
        return QSize(520, 260)
