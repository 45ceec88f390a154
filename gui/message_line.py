"""A line of text with a severity."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from gui.theme import current_theme
from gui.types import Severity

SIGN_PX = 2
"""Height by which a line with a sign such as ✓ may exceed one of letters, as it comes from another font, pixels."""


class MessageLine(QLabel):
    """Message in the colour of its severity, which follows the theme. Long messages wrap; all can be copied.

    It takes the room of one line without a message, too, so that nothing moves when one appears.
    """

    def __init__(self, parent: QWidget | None = None, *, object_name: str = "message") -> None:
        super().__init__(parent)
        self.setObjectName(object_name)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._severity: Severity = "unknown"

    def show_message(self, text: str, severity: Severity = "unknown") -> None:
        """Show `text` in the colour of `severity`."""
        self._severity = severity
        if text != self.text():
            self.setText(text)
        self._paint_text()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size of one line in pixels; layouts ask `heightForWidth` once the width is known."""
        return QSize(super().sizeHint().width(), self.minimumSizeHint().height())

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Return the height of the text in `width` pixels, at least that of one line."""
        return max(super().heightForWidth(width), self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the height of one line and no width, pixels."""
        return QSize(0, self.fontMetrics().lineSpacing() + SIGN_PX)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow a change of theme."""
        if event.type() in (QEvent.Type.ApplicationPaletteChange, QEvent.Type.StyleChange):
            self._paint_text()
        super().changeEvent(event)

    def _paint_text(self) -> None:
        colour = QColor(current_theme().state_colour(self._severity))
        palette = self.palette()
        if palette.color(QPalette.ColorRole.WindowText) != colour:
            palette.setColor(QPalette.ColorRole.WindowText, colour)
            self.setPalette(palette)
