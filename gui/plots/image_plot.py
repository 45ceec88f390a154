"""An image of an area detector on a logarithmic scale, with a region to integrate and rectangles to mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPen
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from errors import TrxasError
from gui.plots.axis import Quantity
from gui.plots.canvas import Canvas
from gui.plots.export import write_picture
from gui.theme import current_theme
from gui.types import Rectangle

COLUMNS = Quantity(name="column", unit="pixel", column="column", number_format="{:.0f}")
ROWS = Quantity(name="row", unit="pixel", column="row", number_format="{:.0f}")
COLOUR_MAP = "viridis"
"""Even in lightness, and readable with any colour vision."""


class ImagePlot(QWidget):
    """A plot of an image (rows, columns) with row 0 at the top.

    Signal `region_changed()`: the region or the masks are different.
    """

    region_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = Canvas(COLUMNS, ROWS, None, self)
        self.canvas.box.invertY(b=True)
        self.canvas.box.setAspectLocked(lock=True)
        self.canvas.grid.hide()
        self._item = pg.ImageItem(axisOrder="row-major")
        self._item.setLookupTable(pg.colormap.get(COLOUR_MAP).getLookupTable(nPts=256))
        self.canvas.box.addItem(self._item, ignoreBounds=True)
        self._image: NDArray[np.float64] | None = None
        self._masked: list[tuple[Rectangle, pg.QtWidgets.QGraphicsRectItem]] = []
        self._region = pg.RectROI((100, 50), (120, 60), movable=True)
        self.canvas.box.addItem(self._region, ignoreBounds=True)
        self._region.hide()
        self.readout = QLabel(" ", self)
        self.use_region = self._button("Region", "Integrate inside the rectangle only")
        self.mask_button = self._button("Mask region", "Mask the pixels inside the rectangle")
        self.clear_button = self._button("Clear masks", "Remove all masks")
        self.whole = self._button("Whole", "Show the whole image (double click)")
        self.save = self._button("Export…", "Write as PNG or SVG")
        self._connect()
        self._lay_out()
        self.apply_theme()

    @property
    def region(self) -> Rectangle | None:
        """Rectangle to integrate, pixels; None for the whole image."""
        return self._rectangle() if self.use_region.isChecked() else None

    @property
    def masked(self) -> tuple[Rectangle, ...]:
        """Rectangles that are masked, pixels."""
        return tuple(rectangle for rectangle, _ in self._masked)

    def show_image(self, image: NDArray[np.float64] | None) -> None:
        """Show an image of counts, shape (rows, columns), or nothing; negative and non-finite pixels count as zero."""
        # The view is set only for the first image, or for one of another size: a zoom of the user stays while images
        # come in. The image is reduced to 256 levels here, since pyqtgraph would do it on every repaint.
        first = self._image is None or image is None or self._image.shape != image.shape
        self._image = image
        self.canvas.set_empty(empty=image is None)
        if image is None:
            self._item.clear()
            return
        self._item.setImage(log_levels(image), autoLevels=False, levels=(0, 255))
        if first:
            self.show_whole()

    def show_whole(self) -> None:
        """Show the whole image, of shape (rows, columns), with a margin of 2 %."""
        if self._image is not None:
            rows, columns = self._image.shape
            self.canvas.box.setRange(QRectF(0, 0, columns, rows), padding=0.02, disableAutoRange=True)

    def add_mask(self) -> None:
        """Mask the pixels inside the region."""
        rectangle = self._rectangle()
        row, column, rows, columns = rectangle
        item = pg.QtWidgets.QGraphicsRectItem(column, row, columns, rows)
        self._masked.append((rectangle, item))
        self.canvas.box.addItem(item, ignoreBounds=True)
        self.apply_theme()
        self.region_changed.emit()

    def clear_masks(self) -> None:
        """Remove all masks."""
        for _, item in self._masked:
            self.canvas.box.removeItem(item)
        self._masked.clear()
        self.region_changed.emit()

    def apply_theme(self) -> None:
        """Apply the colours and sizes of the theme; lines are 2 pixels wide times its scale."""
        theme = current_theme()
        self.canvas.apply_theme(theme)
        pen = QPen(QColor(theme.series[1]), 2.0 * theme.scale)
        pen.setCosmetic(True)
        self._region.setPen(pen)
        for _, item in self._masked:
            item.setPen(pen)
            item.setBrush(pg.mkBrush(QColor(theme.series[1]), style=Qt.BrushStyle.BDiagPattern))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "readout"):
            self.apply_theme()

    def _rectangle(self) -> Rectangle:
        (x, y) = self._region.pos()
        (width, height) = self._region.size()
        # The rectangle can be dragged beyond the image; rows and columns are cut to what exists, at least one pixel, so
        # that a request never has an empty region.
        rows, columns = self._image.shape if self._image is not None else (1, 1)
        row = min(max(round(y), 0), rows - 1)
        column = min(max(round(x), 0), columns - 1)
        return row, column, min(max(round(height), 1), rows - row), min(max(round(width), 1), columns - column)

    def _moved(self, position: Any) -> None:
        text = " "
        if self._image is not None and self.canvas.box.sceneBoundingRect().contains(position):
            point = self.canvas.box.mapSceneToView(position)
            row = int(np.floor(point.y()))
            column = int(np.floor(point.x()))
            if 0 <= row < self._image.shape[0] and 0 <= column < self._image.shape[1]:
                text = f"row {row}, column {column}: {self._image[row, column]:.6g} counts"
        self.readout.setText(text)

    def _connect(self) -> None:
        self.use_region.setCheckable(True)
        self.use_region.toggled.connect(self._region.setVisible)
        self.use_region.toggled.connect(lambda *_: self.region_changed.emit())
        self.mask_button.clicked.connect(self.add_mask)
        self.clear_button.clicked.connect(self.clear_masks)
        self.whole.clicked.connect(self.show_whole)
        self.save.clicked.connect(self._ask_export)
        self._region.sigRegionChangeFinished.connect(lambda *_: self.region_changed.emit())
        self.canvas.scene().sigMouseMoved.connect(self._moved)
        self.canvas.box.reset_asked.connect(self.show_whole)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(QLabel("Logarithmic scale"), 1)
        for button in (self.use_region, self.mask_button, self.clear_button, self.whole, self.save):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.readout)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        return button

    def _ask_export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export the image", "image.png", "Picture (*.png);;Drawing (*.svg)")
        if name:
            try:
                write_picture(Path(name), self.canvas)
            except TrxasError as error:
                self.readout.setText(str(error))


def log_levels(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return log(1 + counts) in 256 steps, the brightest 0.1 % of the pixels in the highest one.

    Image and result have the shape (rows, columns).
    """
    counts = np.log1p(np.where(np.isfinite(image) & (image > 0), image, 0.0))
    top = float(np.partition(counts.ravel(), -max(counts.size // 1000, 1))[-max(counts.size // 1000, 1)])
    return np.asarray(np.minimum(counts * (255.0 / top if top > 0 else 0.0), 255.0), dtype=np.uint8)
