"""An item that covers what is seen of a plot, whatever that is."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import QRectF


class ViewItem(pg.GraphicsObject):
    """Base of grid, curves and cross lines: a change repaints the view once, whatever the data are."""

    def boundingRect(self) -> QRectF:  # noqa: N802
        """All that is seen, in plot coordinates."""
        return QRectF(self.viewRect() or QRectF())

    def viewTransformChanged(self) -> None:  # noqa: N802
        """The view moved: what is covered moved too."""
        self.prepareGeometryChange()
        super().viewTransformChanged()
