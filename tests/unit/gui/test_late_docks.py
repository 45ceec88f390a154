"""If these fail, a window opens slowly because of panels that nobody sees, or a panel never appears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.application import make_application, make_window
from gui.docking.late_dock import LateDock
from gui.live.feed import QueueFeed
from gui.panels.xas.kinetics import KineticsPanel
from gui.window import MainWindow
from tests.support.waiting import WAIT_MS


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    make_application()
    made = make_window(QueueFeed("test"), settings=tmp_path / "window.ini")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def is_made(window: MainWindow, key: str) -> bool:
    """Whether the dock has its panel, without asking for it: the Python method would make it."""
    dock = window.docks[key]
    assert isinstance(dock, LateDock)
    return dock.is_made


def test_panels_are_made_when_they_are_first_seen(window: MainWindow, qtbot: QtBot) -> None:
    """Lost: a second whenever a window opens, and the memory of plots for other techniques."""
    assert is_made(window, "spectra")
    hidden = [key for key, dock in window.docks.items() if isinstance(dock, LateDock) and not dock.is_made]
    assert {"kinetics", "map", "trends"} <= set(hidden)
    window.show_panel("kinetics")
    qtbot.waitUntil(lambda: is_made(window, "kinetics"), timeout=WAIT_MS)
    kinetics = window.docks["kinetics"].widget()
    assert isinstance(kinetics, KineticsPanel)
    qtbot.waitUntil(lambda: set(kinetics.requests()) <= window.worker._wanted, timeout=WAIT_MS)
    assert not is_made(window, "map")


def test_a_panel_that_is_asked_for_is_the_one_that_is_shown(window: MainWindow) -> None:
    """Lost: what a program sets in a panel before its tab is opened."""
    panel = window.docks["map"].widget()
    assert window.docks["map"].widget() is panel
    window.show_panel("map")
    assert window.docks["map"].widget() is panel
