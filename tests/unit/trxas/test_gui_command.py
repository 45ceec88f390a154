"""If these fail, `trxas gui` on a server without a screen ends in a traceback instead of a reason."""

from __future__ import annotations

import sys

import pytest

from errors import ConfigurationError
from trxas.commands.gui import require_libraries, require_screen


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qtpy.QtWidgets", None)
    with pytest.raises(ConfigurationError, match="libegl1"):
        require_libraries()


def test_no_screen_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="no screen"):
        require_screen()
