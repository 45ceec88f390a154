"""If these fail, nobody learns at the prompt how long a lifetime still takes."""

from __future__ import annotations

import pytest

from tests.support import live_runs
from trxas.prompt.precision_line import PrecisionLine
from trxas.terminal.progress_line import PROGRESS


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be printed above the bar of the running scan."""
    lines: list[str] = []
    monkeypatch.setattr(PROGRESS, "write", lines.append)
    return lines


def test_a_line_follows_every_pass_but_the_last(written: list[str]) -> None:
    """The last pass has the results themselves."""
    line = PrecisionLine()
    for name, doc in live_runs.delay_run(seed=1, dwell_s=600.0):
        line(name, doc)
    assert len(written) == 1
    assert written[0].startswith("after 1 pass: tau2 ± ")
    assert written[0].endswith(" of beam time")


def test_other_runs_have_no_line(written: list[str]) -> None:
    line = PrecisionLine()
    for name, doc in live_runs.energy_run(scans=2):
        line(name, doc)
    assert written == []
