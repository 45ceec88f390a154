"""If this fails, a process that grows over a night is found in the morning."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import COMMAND_S

pytestmark = [pytest.mark.channel_access, pytest.mark.long, pytest.mark.timeout(4 * COMMAND_S)]


def test_a_short_soak_is_flat(ca_repeater: None, tmp_path: Path) -> None:
    """Two hours of beam time: every part of the beamline at work is looked at, and none grows."""
    command = [
        sys.executable,
        "-m",
        "trxas.commands.main",
        "soak",
        "--hours",
        "2",
        "--speed",
        "100",
        "--json",
        "soak.json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads((tmp_path / "soak.json").read_text())
    assert found["flat"]
    assert found["exposures"] > 50
    wanted = {"IOC: sim", "session: chaos.worker", "window: cli", "server: cli", "server: serve.relay"}
    assert wanted <= found["processes"].keys()
