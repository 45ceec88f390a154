"""If this fails, faults of the beamline or of the session cost points of a night, or put wrong ones into it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from errors import InputError
from sim.faults.kinds import KINDS as SIMULATED_KINDS
from tests.support.waiting import COMMAND_S
from trxas.validation.robustness.fault_schedule import SESSION_KILL, chosen_kinds, known_kinds

pytestmark = pytest.mark.channel_access

KINDS = "BeamDump,SessionKill,I0Dropout"


@pytest.mark.long
def test_a_small_chaos_is_clean(ca_repeater: None, tmp_path: Path) -> None:
    """One fault each of three kinds; chi-square over 17 points above 3 has a chance of 3e-5, and the seed is fixed."""
    command = [sys.executable, "-m", "trxas.commands.main", "chaos", "--faults", "3", "--seed", "3", "--kinds", KINDS]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "chaos.json"), "--output", str(tmp_path / "chaos")],
        capture_output=True, text=True, timeout=COMMAND_S, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads((tmp_path / "chaos.json").read_text())
    assert found["faults"] == 3
    assert set(found["by_kind"]) == set(KINDS.split(","))
    wanted = dict.fromkeys(("points_lost", "bad_points_averaged", "duplicates", "hangs"), 0)
    assert {key: found[key] for key in wanted} == wanted
    assert found["session_starts"] >= 3, "disturbed, again after the kill, undisturbed"
    assert found["exposures"] >= 100
    assert found["marked_bad"] > 0, "no fault struck an exposure"
    assert found["comparison"]["points"] >= 17
    assert found["comparison"]["chi2_per_point"] < 3.0


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """Lost: minutes of scans under faults that were not meant."""
    command = [sys.executable, "-m", "trxas.commands.main", "chaos", "--kinds", "Flood"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, cwd=tmp_path)
    assert done.returncode == 2
    assert "Flood" in done.stderr
    assert "BeamDump" in done.stderr


def test_chaos_strikes_every_fault_that_the_simulation_lists() -> None:
    """Lost: a new fault of the simulation that no chaos run ever tries."""
    kinds = {kind.name: kind for kind in known_kinds()}
    assert set(kinds) == {*SIMULATED_KINDS, SESSION_KILL}
    assert not kinds["BeamDump"].wall_clock
    assert kinds["IocDeath"].wall_clock
    assert {"Done": 0} in kinds["MotorStall"].variants
    with pytest.raises(InputError, match="Unknown kinds of faults: Nothing"):
        chosen_kinds("BeamDump,Nothing")
