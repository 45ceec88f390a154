"""If these fail, `trxas coverage` reports nothing or never ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from trxas.validation.coverage.measurement import PARAMETERS

pytestmark = pytest.mark.channel_access

END_S = 120.0

EFFECT_S = 480.0
"""Five campaigns of a minute each, two at a time, on shared cores."""


@pytest.mark.long
@pytest.mark.parametrize("samples", [1, 2])
def test_samples_are_measured_and_every_parameter_recovered(trxas: Any, tmp_path: Path, samples: int) -> None:
    """The seed is fixed: of eleven means of the pulls one is beyond 4 sigma in 1 of 1400 choices of seeds."""
    count = str(samples)
    done = trxas("coverage", "--samples", count, "--measurements", "1", "--seed", "8", "--json", "c.json")
    result = json.loads((tmp_path / "c.json").read_text())
    assert result["failures"] == []
    assert (result["samples"], result["seed"], result["complete"]) == (samples, 8, True)
    assert set(result["parameters"]) == set(PARAMETERS)
    for name, found in result["parameters"].items():
        assert found["pulls"] == samples, name
        assert abs(found["pull_mean"]) < 4.0 / samples**0.5, name
    assert "alignment_shift" in done.stdout
    assert (tmp_path / "coverage-output" / "pulls.png").stat().st_size > 10_000


@pytest.mark.parametrize("end", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.long)])
@pytest.mark.long
def test_an_early_end_keeps_what_was_measured_and_leaves_no_process(
    tmp_path: Path, ca_repeater: None, end: signal.Signals
) -> None:
    result = tmp_path / "c.json"
    command = [
        sys.executable,
        "-m",
        "trxas.commands.main",
        "coverage",
        "--samples",
        "50",
        "--workers",
        "1",
        "--json",
        "c.json",
    ]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        # Sample files go below, so that their simulations can be told from those of others.
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: result.exists() or process.poll() is not None, "a measurement", END_S)
        # Between two samples there is none for a moment.
        until(lambda: _simulations(tmp_path), "a simulation", END_S)
        process.send_signal(end)
        said, errors = process.communicate(timeout=END_S)
    finally:
        process.kill()
    kept = json.loads(result.read_text())
    assert kept["parameters"]["t0"]["pulls"] >= 1
    assert kept["complete"] is False
    if end == signal.SIGINT:
        assert process.returncode == 130
        assert "when it was interrupted" in said
        assert "Traceback" not in errors
    until(lambda: not _simulations(tmp_path), lambda: _simulations(tmp_path))


def _simulations(folder: Path) -> list[str]:
    """Command lines of the processes that were given a file below `folder`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if f"{folder}/trxas-coverage-" in line:
            found.append(line)
    return found


@pytest.mark.long
def test_an_effect_of_the_simulation_moves_the_numbers_that_depend_on_it(trxas: Any, tmp_path: Path) -> None:
    """Without noise and effects, the reductions return the truth of the sample. Takes some minutes."""
    command = ("coverage", "--effect", "Damage", "--times", "1000", "--workers", "2", "--json", "e.json")
    trxas(*command, timeout_s=EFFECT_S, check=False)  # the exit code depends on what marks the damage
    result = json.loads((tmp_path / "e.json").read_text())
    usual, enlarged = result["effects"]["Damage"]["shifts"]["size_100ps"]
    assert abs(usual) < 0.5 < enlarged
    # Eight runs without noise gave at most 0.10 errors, with a scatter of 0.04.
    quiet = result["campaigns"][0]["values"]
    truths = {"tau1": 120.0, "tau2": 900.0, "offset": 0.19, "t0": 17.0, "response": 45.0}
    assert {
        name: abs(quiet[name][0] - truth) / quiet[name][1] < 0.15 for name, truth in truths.items()
    } == dict.fromkeys(truths, True)
