"""If this fails, `trxas gui` does not open on its own, or does not end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import WAIT_S

pytestmark = pytest.mark.channel_access


def test_it_opens_without_a_server_and_ends_on_request(tmp_path: Path) -> None:
    """If this fails, the window must be started in the right order with everything else, or leaves a process behind."""
    layout = tmp_path / "window.ini"
    command = [sys.executable, "-m", "trxas.commands.main", "gui", "--data", str(tmp_path), "--layout", str(layout)]
    process = subprocess.Popen(
        [*command, "--address-list", "127.0.0.1:9"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPROFILEIMPORTTIME": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        while not said or not said[-1].startswith("Window on"):
            said.append(process.stdout.readline())
            assert said[-1], "".join(said)
        read = {line.rpartition("|")[2].strip() for line in said if line.startswith("import time:")}
        assert "gui.window" in read, "a library that is read beside the window makes it stand still"
        assert not read & {"tiled", "pandas", "storage.catalogue"}, "half of the memory, for a list of no run"
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, "".join(said) + rest
    assert "Traceback" not in rest
    assert layout.exists()
