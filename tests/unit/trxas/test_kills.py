"""If these fail, `trxas kills` calls a beamline safe to kill that is not, or leaves its processes behind."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from processes.child import ChildProgram
from processes.restartable import RestartableChild
from tests.support.waiting import WAIT_S, until
from trxas.validation.robustness.audit import Audit, Comparison
from trxas.validation.robustness.kill_schedule import VICTIMS, plan_kills
from trxas.validation.robustness.kills_result import KillsResult

SPEAK = "import sys; print('ready', sys.argv[1], flush=True); sys.stdin.read()"


def test_a_seed_gives_the_same_kills_and_every_victim_as_often() -> None:
    """Lost: a failure that nobody can repeat; a process that is never killed."""
    kills = plan_kills(4 * len(VICTIMS), 5)
    assert kills == plan_kills(4 * len(VICTIMS), 5)
    assert kills != plan_kills(4 * len(VICTIMS), 6)
    assert set(Counter(kill.victim for kill in kills).values()) == {4}
    assert all(kill.pause_s >= 0 for kill in kills)


EQUAL = Comparison(points=20, chi_square=21.0, max_pull=2.0)


@pytest.mark.parametrize(
    "defect",
    [
        {"unrecorded": 1},
        {"hangs": 1},
        {"problems": ("run 1: its process died",)},
        {"ended": Counter(window=1)},
        {"audit": Audit(points_lost=1)},
        {"audit": Audit(duplicates=1)},
        {"audit": Audit(bad_points_averaged=1)},
        {"comparison": replace(EQUAL, chi_square=70.0)},
        {"comparison": Comparison(0, 0.0, 0.0)},
    ],
)
def test_every_defect_spoils_the_verdict(defect: dict[str, Any]) -> None:
    """Lost: the meaning of exit code 0. Chi-square 70 for 20 points has a chance of 2e-7."""
    sound = KillsResult(60.0, ended=Counter(session=2), comparison=EQUAL)
    assert sound.is_clean
    assert not replace(sound, **defect).is_clean


def test_lost_points_are_those_not_stored_and_those_never_measured() -> None:
    found = KillsResult(60.0, unrecorded=2, audit=Audit(points_lost=3)).as_json()
    assert found["points_lost"] == 5


def test_a_victim_is_killed_and_lives_again(tmp_path: Path) -> None:
    """Lost: kills that strike nobody, or a port that is another one in the next life."""
    ready = re.compile(r"ready (\d)")

    def program(life: int) -> ChildProgram:
        return ChildProgram(name="it", command=[sys.executable, "-c", SPEAK, str(life)], ready=ready)

    victim = RestartableChild(program, tmp_path / "log")
    victim.start()
    try:
        until(lambda: victim.ready is not None, "the first life")
        victim.kill()
        assert victim.has_ended
        victim.start()
        assert not victim.has_ended
        assert victim.latest_ready is not None
        until(lambda: victim.ready is not None, "the second life")
        assert victim.latest_ready.group(1) == "2"
    finally:
        victim.close()
    assert (tmp_path / "log").read_text().splitlines() == ["ready 1", "ready 2"]


def test_a_process_ends_with_whoever_started_it() -> None:
    """Lost: a machine full of windows and servers that nobody has opened."""
    code = "from processes.parent import end_with_parent as tie; import signal; tie(); print('tied', flush=True); "
    process = subprocess.Popen(
        [sys.executable, "-c", code + "signal.pause()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "tied\n"
    process.communicate(timeout=WAIT_S)
    assert process.returncode == -15


def test_a_reader_that_has_had_enough_is_no_error(data: Path, tmp_path: Path) -> None:
    """Lost: `trxas runs list | head` without a traceback."""
    command = [sys.executable, "-m", "trxas.commands.main", "runs", "list", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(WAIT_S) == 141
