"""What a run browser shows."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from gui.browser.browser import RunBrowser
from tests.support.waiting import WAIT_MS


def drawn(browser: RunBrowser) -> list[str]:
    """Names of the drawn curves."""
    return [] if browser.overlay.plot is None else list(browser.overlay.plot.curves)


def wait_for(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    """Run the Qt event loop until the condition holds."""
    qtbot.waitUntil(condition, timeout=WAIT_MS)
