"""The legend above a plot: one button per curve, which shows or hides the curve and its error bars."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPointF, QSize, Qt
from qtpy.QtGui import QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QMenu, QToolButton, QWidget

from gui.plots.error_bar_curve import ErrorBarCurve
from gui.plots.flow_layout import FlowLayout
from gui.plots.styles import CurveStyle
from gui.theme import Theme, current_theme


def style_icon(style: CurveStyle, theme: Theme) -> QIcon:
    """Return a sample of a curve in `style`, for legends and lists: 1.4 font sizes high, twice as wide, in pixels."""
    height = int(1.4 * theme.font_points)
    pixmap = QPixmap(2 * height, height)
    pixmap.fill(Qt.GlobalColor.transparent)
    sample = ErrorBarCurve("", style)
    sample.apply_theme(theme)
    middle = height / 2.0
    places = np.array([0.0, height, 2.0 * height]) if style.line else np.array([float(height)])
    painter = QPainter(pixmap)
    sample.set_data(places, np.full(places.shape, middle))
    if style.marker and style.line:
        painter.setPen(style.pen(theme))
        painter.drawLine(QPointF(0, middle), QPointF(2 * height, middle))
        sample.set_data(np.array([float(height)]), np.array([middle]))
    sample.paint(painter)
    painter.end()
    return QIcon(pixmap)


class CurveButton(QToolButton):
    """Button that shows and hides one curve; its menu switches the error bars."""

    def __init__(self, curve: ErrorBarCurve) -> None:
        super().__init__()
        self._curve = curve
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setAutoRaise(True)
        self.setCheckable(True)
        self.setChecked(True)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.toggled.connect(curve.setVisible)
        menu = QMenu(self)
        self.bars = menu.addAction("Error bars")
        self.bars.setCheckable(True)
        self.bars.setChecked(curve.bars_shown)
        self.bars.toggled.connect(curve.show_bars)
        self.setMenu(menu)
        self.apply_theme(current_theme())

    def apply_theme(self, theme: Theme) -> None:
        """Draw icon and text again, in the colours of `theme`."""
        self.setText(self._curve.label)
        self.setToolTip(f"Show or hide “{self._curve.label}”; the arrow switches its error bars")
        icon = style_icon(self._curve.style, theme)
        self.setIconSize(icon.availableSizes()[0] if icon.availableSizes() else QSize(24, 12))
        self.setIcon(icon)


class LegendBar(QWidget):
    """Buttons of all curves of a plot, in rows that wrap."""

    def __init__(self) -> None:
        super().__init__()
        self._buttons: dict[ErrorBarCurve, CurveButton] = {}
        self._flow = FlowLayout(self)

    def add(self, curve: ErrorBarCurve) -> None:
        """Add the button of a curve; its icon is as large as the font of the theme, in points."""
        button = self._buttons[curve] = CurveButton(curve)
        self._flow.addWidget(button)
        button.show()

    def remove(self, curve: ErrorBarCurve) -> None:
        """Remove the button of a curve. Raises KeyError for a curve that has none."""
        button = self._buttons.pop(curve)
        self._flow.removeWidget(button)
        # Hidden at once, deleted later: the button may be the sender of the signal that has led here, and Qt must not
        # lose it before its handlers have returned.
        button.hide()
        button.deleteLater()

    def button(self, curve: ErrorBarCurve) -> CurveButton:
        """Return the button of a curve. Raises KeyError for a curve that has none."""
        return self._buttons[curve]

    def relabel(self, curve: ErrorBarCurve) -> None:
        """Show the current label of a curve. Raises KeyError for a curve that has no button."""
        if self._buttons[curve].text() != curve.label:
            self._buttons[curve].apply_theme(current_theme())
            self._flow.invalidate()

    def apply_theme(self, theme: Theme) -> None:
        """Apply the colours and sizes of `theme`."""
        for button in self._buttons.values():
            button.apply_theme(theme)
