"""If these fail, `trxas kills` calls a beamline safe to kill that is not, or leaves its processes behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from trxas.validation.robustness.audit import Audit, Comparison
from trxas.validation.robustness.kill_schedule import VICTIMS, plan_kills
from trxas.validation.robustness.kills_result import KillsResult


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
        {"comparison": Comparison(points=0, chi_square=0.0, max_pull=0.0)},
    ],
)
def test_every_defect_spoils_the_verdict(defect: dict[str, Any]) -> None:
    """Lost: the meaning of exit code 0. Chi-square 70 for 20 points has a chance of 2e-7."""
    sound = KillsResult(hang_after_s=60.0, ended=Counter(session=2), comparison=EQUAL)
    assert sound.is_clean
    assert not replace(sound, **defect).is_clean


def test_lost_points_are_those_not_stored_and_those_never_measured() -> None:
    found = KillsResult(hang_after_s=60.0, unrecorded=2, audit=Audit(points_lost=3)).as_json()
    assert found["points_lost"] == 5
