"""If this fails, a killed process costs points, shows some twice, or stops the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import COMMAND_S
from trxas.validation.robustness.kill_schedule import VICTIMS

pytestmark = [pytest.mark.channel_access, pytest.mark.long, pytest.mark.timeout(4 * COMMAND_S)]


def test_every_process_may_be_killed(ca_repeater: None, tmp_path: Path) -> None:
    """One kill of each; the comparison raises a false alarm once in 10 000, and the seed is fixed."""
    command = [sys.executable, "-m", "trxas.commands.main", "kills", "--kills", str(len(VICTIMS)), "--seed", "2"]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "kills.json"), "--output", str(tmp_path / "kills")],
        capture_output=True, text=True, timeout=COMMAND_S, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads((tmp_path / "kills.json").read_text())
    assert found["by_victim"] == dict.fromkeys(sorted(VICTIMS), 1)
    wanted = dict.fromkeys(("points_lost", "bad_points_averaged", "duplicates", "hangs"), 0)
    assert {key: found[key] for key in wanted} == wanted
    assert found["exposures"] >= 100
    assert found["session_starts"] == 4, "killed, again after both kills of a session, undisturbed"
    assert found["comparison"]["points"] >= 17
