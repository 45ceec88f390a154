"""Dry run of a plan, as the queue server answers it: moves of the axes, beam time, expected errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.control.parameters import EntryKind, Parameter, title
from gui.message_line import MessageLine

MOST_RUNS = 20
"""Runs of a series that are shown; the others are counted."""


class DryRunDialog(QDialog):
    """The answer to a dry run: `problem`, or `columns` and `runs` with `summary`, `moves` (rows) and `expects`."""

    def __init__(self, plan: str, answer: Mapping[str, Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Dry run: {plan}")
        inside = QWidget(self)
        self._column = QVBoxLayout(inside)
        self._column.addWidget(QLabel("Nothing has moved.", self))
        problem = str(answer.get("problem", ""))
        if problem:
            self._add_problem(problem)
        runs = list(answer.get("runs", ()))
        for run in runs[:MOST_RUNS]:
            self._add_run(run, list(answer.get("columns", ())))
        if len(runs) > MOST_RUNS:
            self._column.addWidget(QLabel(f"and {len(runs) - MOST_RUNS} more runs", self))
        self._column.addStretch()
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inside)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(area, stretch=1)
        layout.addWidget(buttons)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels with room for a table of six axes."""
        return QSize(640, 380)

    def _add_problem(self, problem: str) -> None:
        line = MessageLine(self, object_name="dry run problem")
        line.show_message(problem, "bad")
        self._column.addWidget(line)

    def _add_run(self, run: Mapping[str, Any], columns: list[str]) -> None:
        for text in (_spoken(str(run["summary"])), *run["expects"]):
            label = QLabel(text, self)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._column.addWidget(label)
        rows = list(run["moves"])
        if not rows:
            return
        # The unit stands with the name of the axis, as in the forms.
        titles = [name.capitalize() for name in columns[:-1]]
        table = QTableWidget(len(rows), len(titles), self)
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        for row, cells in enumerate(rows):
            for column, text in enumerate((axis_label(cells[0], cells[-1]), *cells[1:-1])):
                table.setItem(row, column, QTableWidgetItem(str(text)))
        height_px = table.horizontalHeader().sizeHint().height() + table.verticalHeader().defaultSectionSize() * len(
            rows
        )
        table.setFixedHeight(height_px + 2 * table.frameWidth())
        self._column.addWidget(table)


def axis_label(name: str, unit: str) -> str:
    """Return an axis as the forms write it: "Delay (ps)" for "delay_ps"."""
    label = Parameter(name=name, kind=EntryKind.NUMBER, unit=unit)
    return f"{label.label} ({label.unit})" if label.unit else label.label


def _spoken(summary: str) -> str:
    """Return the line about a run with the name of its plan, the first word, as the forms write it."""
    plan, space, rest = summary.partition(" ")
    return f"{title(plan)}{space}{rest}"
