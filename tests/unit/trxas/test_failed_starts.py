"""If these fail, `trxas chaos` and `trxas kills` restart a hopeless session forever instead of naming the cause."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from processes.child import ChildError
from trxas.validation.robustness.chaos import Chaos
from trxas.validation.robustness.look_after import MOST_FAILED_STARTS, FailedStarts
from trxas.validation.robustness.settings import RobustnessSettings


class EndedSession(SimpleNamespace):
    """A session that ends at once, each time that it is started."""

    exit_code = 3
    has_measured = False
    silent_s = 0.0
    starts = 0

    def start(self) -> None:
        self.starts += 1

    def last_words(self) -> str:
        return "ImportError: no module named alignment"


def test_chaos_ends_with_the_last_words_of_a_session_that_cannot_start(tmp_path: Path) -> None:
    """Lost: a night in which the same error was printed every five seconds."""
    session: Any = EndedSession()
    lines: list[str] = []
    settings = RobustnessSettings(folder=tmp_path, seed=1, speed=200.0, hang_after_s=60.0)
    chaos = Chaos(settings, report=lines.append)
    with pytest.raises(ChildError, match=r"(?s)session was started 5 times in a row.*Correct.*no module named"):
        chaos._wait(session, lambda: False, "the start")
    assert session.starts == MOST_FAILED_STARTS - 1
    assert len(lines) == MOST_FAILED_STARTS


def test_a_life_that_worked_begins_the_count_again() -> None:
    """Lost: a chaos run of a night that ends because five faults in ten hours each ended a session."""
    starts = FailedStarts()
    for _ in range(3):
        for _ in range(MOST_FAILED_STARTS - 1):
            starts.note_end("session", has_worked=False, last_words="")
        starts.note_end("session", has_worked=True, last_words="")
    starts.note_end("server", has_worked=False, last_words="")
