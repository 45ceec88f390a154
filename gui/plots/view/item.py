"""A graphics item that always covers the visible part of a plot."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import QRectF


class ViewItem(pg.GraphicsObject):
    """Base of grid, curves and cross lines: a change repaints the view once, independent of the data."""

    def boundingRect(self) -> QRectF:  # noqa: N802
        """Return the visible part, in plot coordinates."""
        return QRectF(self.viewRect() or QRectF())

    def viewTransformChanged(self) -> None:  # noqa: N802
        """Move with the view."""
        self.prepareGeometryChange()
        super().viewTransformChanged()
