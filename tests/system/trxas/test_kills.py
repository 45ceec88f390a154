"""If these fail, `trxas kills` calls a beamline safe to kill that is not, or leaves its processes behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from processes.child import ChildProgram
from processes.restartable import RestartableChild
from tests.support.waiting import WAIT_S, until

SPEAK = "import sys; print('ready', sys.argv[1], flush=True); sys.stdin.read()"


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


def test_a_process_ends_with_the_process_that_started_it() -> None:
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
