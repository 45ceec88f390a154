"""If these fail, a fault that was asked for never strikes, and a test of recovery proves nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import COMMAND_S


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    return path


def entry(**changes: str) -> str:
    fields = {"kind": '"BeamDump"', "at_s": "1.0", "duration_s": "1.0"} | changes
    return "[[faults]]\n" + "\n".join(f"{name} = {value}" for name, value in fields.items() if value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (entry(kind='"Earthquake"'), "Unknown fault"),
        (entry(kind='"PvGone"', pv='"7idd:nothing"'), "there is no record"),
    ],
)
def test_the_simulation_does_not_start_with_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    """Otherwise a night's test runs without the fault it is about."""
    command = [sys.executable, "-m", "sim", "--port", "0", "--faults", str(written(tmp_path, text))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
