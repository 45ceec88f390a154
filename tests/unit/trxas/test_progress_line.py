"""If these fail, a scan shows no remaining time, or its bar runs through the table and leaves a broken terminal."""

from __future__ import annotations

import io
import logging
import sys

import pytest
from rich import get_console

from trxas.terminal import progress_line
from trxas.terminal.progress_line import LogAboveLine, ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_whole_lines_at_the_beginning_and_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine()
    line.begin("energy_scan Br K", 54, "exposures")
    for _ in range(54):
        line.advance(1)
    line.end()
    said = capsys.readouterr().err
    first, last = said.splitlines()
    assert "\x1b" not in said
    assert first.startswith("energy_scan Br K")
    assert "54/54 exposures, elapsed" in last
    assert "100%" in last


def test_on_a_terminal_lines_are_printed_above_the_bar_which_stays_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the table of exposures, overwritten by the bar; or the cursor, hidden forever after `kill -9`."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    line = ProgressLine()
    line.begin("delay_scan", 2, "exposures")
    line.write("0 0 13472.0")
    line.advance(2)
    line.end()
    said = terminal.getvalue()
    assert "\r\x1b[K0 0 13472.0\n\r\x1b[Kdelay_scan" in said
    assert "2/2" in said.splitlines()[-1]
    assert said.count("\n") == 2
    assert "\x1b[?25l" not in said


def test_work_of_minutes_per_step_has_a_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: when a scan with exposures of 400 s, or a coverage, will be done."""
    now_s = 0.0
    monkeypatch.setattr(get_console(), "get_time", lambda: now_s)
    line = ProgressLine()
    line.begin("delay_scan", 10, "exposures")
    for _ in range(5):
        now_s += 400.0
        line.advance(1)
    assert line._progress is not None
    assert line._progress.tasks[0].time_remaining == 5 * 400.0
    line.end()


def test_nothing_is_drawn_before_work_begins_and_after_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine()
    line.advance(1)
    line.end()
    line.write("a line of the table")
    assert capsys.readouterr() == ("a line of the table\n", "")


def test_a_warning_has_lines_of_its_own_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the reason of a suspension, glued to the end of the bar and cut by the next line of the table."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = ProgressLine()
    monkeypatch.setattr(progress_line, "PROGRESS", line)
    line.begin("energy_scan", 2, "exposures")
    LogAboveLine().emit(logging.makeLogRecord({"msg": "Suspended: %s", "args": ("ring_current = 0 mA",)}))
    line.remark("suspended")
    said = terminal.getvalue()
    assert "\r\x1b[KSuspended: ring_current = 0 mA\n\r\x1b[Kenergy_scan" in said
    assert "suspended" in said.splitlines()[-1]
