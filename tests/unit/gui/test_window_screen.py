"""If this fails, `trxas gui` without a screen does not give the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from trxas.commands import main as cli

NAMES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def test_without_a_screen_it_ends_with_a_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Qt itself would abort with a core dump."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["gui", "--data", str(tmp_path)]) == 2
    assert "There is no screen" in capsys.readouterr().err
