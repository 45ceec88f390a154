"""A table of regions, with the points of the grid drawn over the edge."""

from __future__ import annotations

import itertools

import numpy as np
from qtpy.QtCore import QSignalBlocker, QSize, Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from errors import InputError
from gui.control.entries import Limits, text_of, value_of
from gui.control.parameters import EntryKind, Parameter
from gui.control.regions import EdgeOutline, Region, points_of_region, points_of_regions
from gui.message_line import MessageLine
from gui.number_entry import read_number
from gui.plots.axis import DELAY, ENERGY, Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.styles import FIT, CurveStyle

COLUMNS = ("Start", "Stop", "Step", "Points")

POINT = CurveStyle(role="transient", line="", marker="circle", marker_px=5.0)
"""Points of the grid."""

STEPS_OF_A_NEW_ROW = 10
"""Length of a row that is added, in steps of the row before it."""

_AXES = {"eV": ENERGY, "ps": DELAY}


class RegionsDialog(QDialog):
    """A table for the regions in `text`, the content of a field for `parameter` with these `limits`.

    The points are drawn over the edge of `outline` where the unit is eV, otherwise along a line. An empty text starts
    with the usual grid of the edge. `text` is the edited content; it is wrong while `problem` shows a message.
    """

    def __init__(
        self,
        parameter: Parameter,
        text: str,
        *,
        limits: Limits | None = None,
        outline: EdgeOutline | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._parameter = parameter
        self._limits = limits
        self._outline = outline if parameter.unit == "eV" else None
        self.setWindowTitle(f"{parameter.label} ({parameter.unit})" if parameter.unit else parameter.label)
        self.table = QTableWidget(0, len(COLUMNS), self)
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.add = QPushButton("Add a region", self)
        self.remove = QPushButton("Remove the region", self)
        self.usual = QPushButton("Usual regions", self)
        self.total = QLabel(self)
        self.total.setWordWrap(True)
        self.problem = MessageLine(self, object_name="regions problem")
        quantity = _AXES.get(parameter.unit, Quantity(name=parameter.label.lower(), unit=parameter.unit))
        self.plot = LinePlot(quantity, Quantity(name="edge (drawn)" if self._outline else "grid"))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._lay_out()
        self._connect()
        self._show(self._regions_in(text))
        # Qt would take the height from the legend, which wraps, and leave the picture a strip.
        self.resize(self.sizeHint())

    @property
    def text(self) -> str:
        """Content of the field for these regions, "start:stop:step, ..."; "" without any."""
        return ", ".join(":".join(self._cell(row, column) for column in range(3)) for row in range(self._rows))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels with room for six regions beside their picture."""
        return QSize(900, 420)

    @property
    def _rows(self) -> int:
        return int(self.table.rowCount())

    def _cell(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return "" if item is None else str(item.text()).strip()

    def _regions_in(self, text: str) -> list[Region]:
        try:
            found = value_of(text, self._parameter, self._limits) if text.strip() else None
        except InputError:
            found = None
        # A text that cannot be read is not taken over piece by piece: the table starts with the usual grid instead.
        return list(found) if found else self._usual_regions()

    def _usual_regions(self) -> list[Region]:
        return [] if self._outline is None else list(self._outline.regions_ev)

    def _show(self, regions: list[Region]) -> None:
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(regions))
            for row, region in enumerate(regions):
                self._fill(row, region)
        self._follow()

    def _fill(self, row: int, region: Region) -> None:
        number = Parameter(name="number", kind=EntryKind.NUMBER)
        for column, value in enumerate(region):
            cell = QTableWidgetItem(text_of(value, number))
            cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, cell)
        count = QTableWidgetItem("")
        count.setFlags(Qt.ItemFlag.ItemIsEnabled)
        count.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.setItem(row, 3, count)

    def _follow(self) -> None:
        """Check the table after every change, and draw its points."""
        regions: list[Region] = []
        try:
            regions = self._checked()
            problem = ""
        except InputError as error:
            problem = str(error)
        self.problem.show_message(problem, "bad")
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not problem)
        self.remove.setEnabled(self._rows > 0)
        with QSignalBlocker(self.table):
            for row in range(self._rows):
                count = self.table.item(row, 3)
                assert count is not None  # every row has one, see `_fill`
                count.setText(str(len(points_of_region(*regions[row]))) if regions else "")
        points = points_of_regions(regions)
        remark = "" if self._outline is None else self._outline.remark
        self.total.setText("" if problem else f"{len(points)} points. {remark}".rstrip(". ") + ".")
        self._draw(np.array(points, dtype=float))

    def _checked(self) -> list[Region]:
        """Return the regions; raise InputError for a cell that is not a number, or for regions out of order."""
        if self._rows == 0:
            return []
        regions: list[Region] = list(value_of(self.text, self._parameter, self._limits))
        for before, after in itertools.pairwise(regions):
            if after[0] < before[1]:
                raise InputError(
                    f"The region from {after[0]:g} begins before the one above it ends, at {before[1]:g} "
                    f"{self._parameter.unit}. Let each region begin where the one above it ends, or behind that."
                )
        return regions

    def _draw(self, points: np.ndarray) -> None:
        if points.size == 0:
            self.plot.retain(())
            return
        if self._outline is None:
            self.plot.set_curve("points", points, np.zeros_like(points), style=POINT, label="points")
        else:
            fine = np.linspace(points[0], points[-1], 400)
            self.plot.set_curve("edge", fine, self._outline.step(fine), style=FIT, label=f"{self._outline.name}, drawn")
            self.plot.set_curve("points", points, self._outline.step(points), style=POINT, label="points")
        self.plot.show_all()

    def _add_row(self) -> None:
        last = [read_or(self._cell(self._rows - 1, column), 0.0) for column in range(3)] if self._rows else [0, 0, 1]
        step = last[2] or 1.0
        row = self._rows
        with QSignalBlocker(self.table):
            self.table.insertRow(row)
            self._fill(row, (last[1], last[1] + STEPS_OF_A_NEW_ROW * step, step))
        self.table.setCurrentCell(row, 1)
        self._follow()

    def _remove_row(self) -> None:
        row = self.table.currentRow()
        self.table.removeRow(row if row >= 0 else self._rows - 1)
        self._follow()

    def _connect(self) -> None:
        self.table.cellChanged.connect(lambda *_: self._follow())
        self.add.clicked.connect(self._add_row)
        self.remove.clicked.connect(self._remove_row)
        self.usual.clicked.connect(lambda: self._show(self._usual_regions()))
        self.usual.setVisible(self._outline is not None)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for button in (self.add, self.remove, self.usual):
            row.addWidget(button)
        left = QVBoxLayout()
        left.addWidget(self.table, stretch=1)
        left.addLayout(row)
        left.addWidget(self.total)
        both = QHBoxLayout()
        both.addLayout(left, stretch=1)
        both.addWidget(self.plot, stretch=1)
        layout = QVBoxLayout(self)
        layout.addLayout(both, stretch=1)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)


def read_or(text: str, otherwise: float) -> float:
    """Return the number in `text`, in the unit of its field, and `otherwise` where there is none.

    Raises nothing: a text that is not a number gives `otherwise`.
    """
    try:
        return read_number(text, "number", "").value
    except InputError:
        return otherwise
