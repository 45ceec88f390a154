"""A view box with its abscissa and ordinate: what a plot needs of pyqtgraph's `PlotItem`, at a tenth of its cost."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtWidgets import QGraphicsGridLayout, QSizePolicy

from gui.plots.axis import UnitAxis
from gui.plots.view.box import ZoomBox


class PlotArea(pg.GraphicsWidget):
    """`box` with the axis `bottom` below it and `left` beside it.

    pyqtgraph's `PlotItem` would add two hidden axes, a title, and a form of settings with its menus, which no plot of
    the window shows; together they take longer to make than all else in a panel.
    """

    def __init__(self, box: ZoomBox, bottom: UnitAxis, left: UnitAxis) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        layout = QGraphicsGridLayout()
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        self.setLayout(layout)
        layout.addItem(left, 0, 0)
        layout.addItem(box, 0, 1)
        layout.addItem(bottom, 1, 1)
        layout.setRowStretchFactor(0, 100)
        layout.setColumnStretchFactor(1, 100)
        for axis in (bottom, left):
            axis.linkToView(box)
            # Above images, which lie at 0, and below the items that are drawn over the axes, from 1 on.
            axis.setZValue(0.5)
        # Python's references: Qt's layout alone does not keep the wrappers of its items alive.
        self._items = (box, bottom, left)
