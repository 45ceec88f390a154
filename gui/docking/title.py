"""The title bar of a dock. Qt's own title bar keeps its first font; this one follows the theme."""

from __future__ import annotations

from qtpy.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QLabel, QStyle, QToolButton


class DockTitle(QFrame):
    """Name of `dock`, by which it is dragged, with buttons that detach it from the window and close it."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dock_title")
        self.name = QLabel(dock.windowTitle())
        self.detach_button = self._button(
            QStyle.StandardPixmap.SP_TitleBarNormalButton, "Detach from the window, or attach again"
        )
        self.close_button = self._button(
            QStyle.StandardPixmap.SP_TitleBarCloseButton, "Close (open it again from the View menu)"
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 4, 2)
        layout.setSpacing(2)
        layout.addWidget(self.name, 1)
        layout.addWidget(self.detach_button)
        layout.addWidget(self.close_button)
        self.detach_button.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        self.close_button.clicked.connect(dock.close)

    def _button(self, icon: QStyle.StandardPixmap, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(self.style().standardIcon(icon))
        button.setToolTip(tip)
        button.setAutoRaise(True)
        return button
