"""The window for figures as a process: what the session notices of it, and what not."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from processes.child import Child, ChildProgram
from tests.support.waiting import until
from trxas.prompt.figure_window import VIEWER, FigureWindow

NO_SCREEN = ":54321"
"""A DISPLAY that nobody serves, as after the end of `ssh -X`."""


@pytest.fixture
def broken_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "MPLBACKEND", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", NO_SCREEN)


def test_a_broken_screen_is_reported_once_and_ends_nothing(
    broken_screen: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: the session, which Qt aborts with its process; or the prompt, to one warning per scan."""
    window = FigureWindow()
    caplog.set_level(logging.WARNING, "trxas")

    def reports() -> list[logging.LogRecord]:
        # Threads of other tests may log too.
        return [record for record in caplog.records if record.name.startswith("trxas")]

    def is_reported() -> bool:
        window.show(tmp_path / "figure.png")
        return bool(reports())

    until(is_reported, "the report that the window does not run")
    window.show(tmp_path / "figure.png")
    (record,) = reports()
    assert "Figures are saved but not shown" in record.message


def test_without_a_screen_no_process_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lost: 2 s of a core and a warning at every scan of a session that has no screen."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("trxas.prompt.figure_window.Child", lambda *_: pytest.fail("a process was started"))
    FigureWindow().show(tmp_path / "figure.png")


def test_the_viewer_confirms_each_figure_that_is_in_its_window(tmp_path: Path) -> None:
    """Lost: that a figure was seen at all; a path that cannot be read must not end the viewer."""
    lines: list[str] = []
    program = ChildProgram(
        name="viewer", command=[sys.executable, "-m", VIEWER], environment={"QT_QPA_PLATFORM": "offscreen"}
    )
    with Child(program, on_line=lines.append) as viewer:
        for number in (1, 2):
            viewer.send(json.dumps(str(tmp_path / "no such figure.png")))
            until(lambda number=number: lines.count("shown\n") == number, lambda: lines)  # type: ignore[misc]
        assert viewer.exit_code is None
    assert viewer.exit_code == 0
