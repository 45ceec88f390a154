"""Questions before something is lost."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget


def confirm(parent: QWidget, question: str, consequence: str, yes: str, then: Callable[[], object]) -> QMessageBox:
    """Ask `question` without blocking the window, and call `then` if the button `yes` is clicked.

    The other button, which Escape and Enter trigger, changes nothing. Return the open message box.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    # Shown with `open`, not `exec`: that would run an event loop inside the click, in which the window keeps working on
    # a state that the caller believes frozen. The box deletes itself, since the caller does not keep it.
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    # The question is too long for the title of a small box.
    box.setWindowTitle(yes)
    box.setText(question)
    box.setInformativeText(consequence)
    agreed = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    agreed.clicked.connect(lambda: then())
    box.open()
    return box
