"""If this fails, a theme changes a part of the text only."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from gui.theme import CONTROL_ROOM, DARK, Theme, apply_theme


@pytest.mark.parametrize("theme", [CONTROL_ROOM, DARK], ids=lambda theme: theme.name)
def test_the_first_theme_reaches_the_widgets_that_exist(qapp: QApplication, qtbot: QtBot, theme: Theme) -> None:
    """Qt leaves widgets the font that they have when an application gets its first style sheet."""
    qapp.setStyleSheet("")
    qapp.setProperty("trxas_theme", None)
    font = qapp.font()
    font.setPointSizeF(9.0)
    qapp.setFont(font)
    parent = QWidget()
    qtbot.addWidget(parent)
    label = QLabel("IDLE", parent)
    QVBoxLayout(parent).addWidget(label)
    parent.show()
    apply_theme(qapp, theme)
    assert label.font().pointSizeF() == theme.font_points
