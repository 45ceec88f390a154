"""A map over two axes: a cell for each point, coloured by its value from negative over zero to positive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QRectF
from qtpy.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from gui.plots.axis import Quantity
from gui.plots.canvas import Canvas
from gui.plots.colour_bar import ColourBar
from gui.plots.scales import CellScale
from gui.theme import current_theme

COLOUR_MAP = "CET-D1"
"""Blue, white and red in equal steps of lightness, distinguishable with any colour vision."""

LOG_COLOUR_MAP = "CET-L9"
"""Blue over green to yellow, of growing lightness, for values on a logarithmic scale."""

SATURATED_SHARE = 0.02
"""Share of the cells whose colours may be saturated, so that a few noisy ones do not hide the others."""


class MapPlot(QWidget):
    """A map of values (rows, columns) in %, with cells of equal size, whatever the spacing of the positions.

    NaN cells, which were not measured, stay empty.
    """

    colour_map = COLOUR_MAP

    def __init__(self, x: Quantity, y: Quantity, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = Canvas(x, y, None, self)
        self.canvas.grid.hide()
        self._colours = pg.colormap.get(self.colour_map).getLookupTable(nPts=255, alpha=True)
        self._item = pg.ImageItem(axisOrder="row-major")
        self.canvas.box.addItem(self._item, ignoreBounds=True)
        self._x_scale = CellScale([0.0])
        self._y_scale = CellScale([0.0])
        self._values: NDArray[np.float64] = np.zeros((0, 0))
        self.legend = ColourBar(np.asarray(self._colours, dtype=np.uint8), self)
        self.readout = QLabel(" ", self)
        self.whole = QToolButton(self)
        self.whole.setText("Whole")
        self.whole.setToolTip("Show the whole map (double click)")
        self.whole.setAutoRaise(True)
        self.whole.clicked.connect(self.show_whole)
        self.canvas.box.reset_asked.connect(self.show_whole)
        self.canvas.scene().sigMouseMoved.connect(self._moved)
        self._lay_out()
        self.apply_theme()

    @property
    def values(self) -> NDArray[np.float64]:
        """The values that are shown, shape (rows, columns), %."""
        return self._values

    def show_map(
        self, x: tuple[Quantity, NDArray[np.float64]], y: tuple[Quantity, NDArray[np.float64]],
        values: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Show `values`, shape (rows, columns), %.

        `x` gives quantity and positions of the columns, `y` those of the rows.
        """
        # A growing map of the same grid keeps the view that a user has chosen; another grid is shown as a whole.
        is_other = values.shape != self._values.shape
        self._values = values
        self._x_scale = CellScale(x[1])
        self._y_scale = CellScale(y[1])
        self.canvas.bottom.show_quantity(x[0], self._x_scale)
        self.canvas.left.show_quantity(y[0], self._y_scale)
        self.canvas.set_empty(empty=values.size == 0)
        rows, columns = values.shape
        self._item.setImage(self.painted(values), autoLevels=False, levels=(0, 255))
        # Cell centres are at whole numbers, so rounding a position of the mouse gives the indices of the cell.
        self._item.setRect(QRectF(-0.5, -0.5, columns, rows))
        if is_other:
            self.show_whole()

    def painted(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the colours of `values`, and show their ends in the legend.

        `values`, in %, have the shape (rows, columns), the colours (rows, columns, 4).
        """
        limit = colour_limit(values)
        self.legend.show_range(f"-{limit:.2g}", f"+{limit:.2g} % of unpumped")
        return coloured(values, limit, self._colours)

    def value_text(self, value: float) -> str:
        """Return the value of a cell with its unit."""
        return f"{value:.3g} %"

    def clear(self) -> None:
        """Show no map."""
        self._values = np.zeros((0, 0))
        self._item.clear()
        self.legend.clear()
        self.canvas.set_empty(empty=True)

    def show_whole(self) -> None:
        """Show the whole map, with a margin of 2 %."""
        rows, columns = self._values.shape
        if rows and columns:
            self.canvas.box.setRange(QRectF(-0.5, -0.5, columns, rows), padding=0.02, disableAutoRange=True)

    def apply_theme(self) -> None:
        """Apply the colours and sizes of the theme."""
        self.canvas.apply_theme(current_theme())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow a change of theme."""
        super().changeEvent(event)
        # Qt may send this event from the constructor of the base class, before the attributes exist.
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "readout"):
            self.apply_theme()

    def text_at(self, row: int, column: int) -> str:
        """Return positions and value of a cell with their units; "" outside the map."""
        rows, columns = self._values.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return ""
        x = self.canvas.bottom.quantity.text(self._x_scale.positions[column])
        y = self.canvas.left.quantity.text(self._y_scale.positions[row])
        value = self._values[row, column]
        return f"{x}, {y}: " + (self.value_text(float(value)) if np.isfinite(value) else "not measured yet")

    def _moved(self, position: Any) -> None:
        text = ""
        if self.canvas.box.sceneBoundingRect().contains(position):
            point = self.canvas.box.mapSceneToView(position)
            text = self.text_at(round(point.y()), round(point.x()))
        self.readout.setText(text or " ")

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.legend, 1)
        row.addWidget(self.whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.readout)


class LogMapPlot(MapPlot):
    """A map of values above 0 on a logarithmic scale of colours, from `decades` below the brightest up to it.

    `unit` is that of the values.
    """

    colour_map = LOG_COLOUR_MAP

    def __init__(self, x: Quantity, y: Quantity, *, unit: str, decades: float = 3.0) -> None:
        super().__init__(x, y)
        self.unit = unit
        self.decades = decades

    def painted(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the colours of `values`; those at or below 0 have the darkest.

        `values` have the shape (rows, columns), the colours (rows, columns, 4).
        """
        measured = values[np.isfinite(values)]
        top = float(measured.max()) if measured.size and measured.max() > 0 else 1.0
        self.legend.show_range(f"{top * 10**-self.decades:.2g}", f"{top:.2g} {self.unit}, logarithmic")
        # Minus one at the dark end, plus one at the bright end: the range that `coloured` paints.
        with np.errstate(invalid="ignore"):
            decades_below = np.log10(np.where(np.isfinite(values), np.maximum(values / top, 1e-30), np.nan))
        return coloured(1 + 2 * decades_below / self.decades, 1.0, self._colours)

    def value_text(self, value: float) -> str:
        """Return the value of a cell with its unit."""
        return f"{value:.3g} {self.unit}".rstrip()


def colour_limit(values: NDArray[np.float64]) -> float:
    """Return the value, %, at which the colours end: all but a few cells of `values` are within it."""
    sizes = np.abs(values[np.isfinite(values)])
    # Not the maximum: one noisy cell at the end of a grid would make all others white.
    return float(np.quantile(sizes, 1.0 - SATURATED_SHARE)) if sizes.any() else 1.0


def coloured(values: NDArray[np.float64], limit: float, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours of `values` from -`limit` to `limit`, transparent where they are NaN.

    `values` have the shape (rows, columns), the result (rows, columns, 4); `colours` are those from end to end, (n, 4).
    """
    measured = np.isfinite(values)
    share = np.clip(np.where(measured, values, 0.0) / limit, -1.0, 1.0)
    index = np.rint((share + 1.0) / 2.0 * (len(colours) - 1)).astype(int)
    found: NDArray[np.uint8] = np.array(colours, dtype=np.uint8)[index]
    found[~measured] = 0
    return found
