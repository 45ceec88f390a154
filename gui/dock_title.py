"""The title of a dock, in the font of the theme: Qt takes that of its own once, and keeps it."""

from __future__ import annotations

from qtpy.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QLabel, QStyle, QToolButton


class DockTitle(QFrame):
    """Name of `dock` with buttons that take it out of the window and close it; it is dragged by the name."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dock_title")
        self.name = QLabel(dock.windowTitle())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 4, 2)
        layout.setSpacing(2)
        self.out = self._button(QStyle.StandardPixmap.SP_TitleBarNormalButton, "Take out of the window, or back")
        self.close_button = self._button(QStyle.StandardPixmap.SP_TitleBarCloseButton, "Close; back with View")
        layout.addWidget(self.name, 1)
        layout.addWidget(self.out)
        layout.addWidget(self.close_button)
        self.out.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        self.close_button.clicked.connect(dock.close)

    def _button(self, icon: QStyle.StandardPixmap, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(self.style().standardIcon(icon))
        button.setToolTip(tip)
        button.setAutoRaise(True)
        return button
