"""The legend of a map: its colours as a strip between the values at both ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

NARROWEST_PX = 40
WIDEST_PX = 160
HEIGHT_PX = 12
"""Least and greatest width of the strip, and its height, pixels."""


class ColourBar(QWidget):
    """A strip of `colours` (colours, 4), 8 bits each, from the lowest to the highest value, with both in words."""

    def __init__(self, colours: NDArray[np.uint8], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.low = QLabel(self)
        self.high = QLabel(self)
        self._strip = _strip(colours, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.low, self._strip, self.high):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.clear()

    def show_range(self, low: str, high: str) -> None:
        """Write the values at both ends, the unit with the higher one."""
        self.low.setText(low)
        self.high.setText(high)
        self._strip.show()

    def clear(self) -> None:
        """Show nothing."""
        self.low.setText(" ")
        self.high.setText(" ")
        self._strip.hide()


def _strip(colours: NDArray[np.uint8], parent: QWidget) -> QLabel:
    row = np.ascontiguousarray(colours[np.newaxis])
    image = QImage(row.data, len(colours), 1, 4 * len(colours), QImage.Format.Format_RGBA8888)
    label = QLabel(parent)
    # A copy of the pixels: the image of Qt refers to the memory of the array.
    label.setPixmap(QPixmap.fromImage(image.copy().scaled(WIDEST_PX, HEIGHT_PX, Qt.AspectRatioMode.IgnoreAspectRatio)))
    label.setScaledContents(True)
    label.setMinimumWidth(NARROWEST_PX)
    label.setMaximumWidth(WIDEST_PX)
    label.setFixedHeight(HEIGHT_PX)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return label
