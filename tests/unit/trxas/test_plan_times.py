"""If these fail, a scan ends an hour after the beam time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trxas.session.plan_times import PlanTimes, ways_of
from trxas.session.time_use import Activity


class Beamline:
    """A beamline whose exposures take the dwell over `speed` and 4 ms, its steps 0.3 s, its opening 2 s."""

    def __init__(self, root: Path, speed: float = 1.0) -> None:
        self.speed = speed
        self.times: dict[Activity, float] = {}
        self.learned = PlanTimes(root, lambda: self.times, lambda: 2.0)

    def wall_s(self, exposures: int, dwell_s: float) -> float:
        return 2.0 + exposures * (dwell_s / self.speed + 0.004 + 0.3)

    def measure(self, exposures: int, dwell_s: float, *, waited_s: float = 0.0, status: str = "success") -> None:
        self.times = dict.fromkeys(Activity, 0.0) | {
            Activity.COUNTING: exposures * (dwell_s / self.speed + 0.004),
            Activity.MOVING: 2.0 + exposures * 0.3,
            Activity.WAITING: waited_s,
        }
        data: dict[str, Any] = {"exposure_s": dwell_s}
        self.learned("start", {"uid": "r", "plan_name": "energy_scan", "grid": {"axis": "energy_ev", "points": []}})
        self.learned("descriptor", {"uid": "d", "run_start": "r", "name": "primary"})
        for number in range(exposures):
            event = {"uid": str(number), "descriptor": "d", "seq_num": number + 1, "time": 0.0, "data": data}
            self.learned("event", event | {"timestamps": {}})
        self.learned("stop", {"uid": "s", "run_start": "r", "exit_status": status})

    def predicted_s(self, exposures: int, dwell_s: float) -> float:
        found = self.learned.predict("energy_scan", ["energy_ev"], exposures, exposures * dwell_s)
        assert found is not None
        return found.seconds


@pytest.mark.parametrize("speed", [1.0, 100.0])
def test_runs_of_different_dwells_predict_any_other_within_5_per_cent(tmp_path: Path, speed: float) -> None:
    """Lost: the end of a scan that is longer than those before."""
    beamline = Beamline(tmp_path, speed)
    beamline.measure(20, 1.0)
    beamline.measure(60, 6.0)
    assert beamline.predicted_s(300, 20.0) == pytest.approx(beamline.wall_s(300, 20.0), rel=0.05)


def test_one_run_is_enough_at_a_real_beamline(tmp_path: Path) -> None:
    """Lost: the prediction of the second scan of a beam time."""
    beamline = Beamline(tmp_path)
    beamline.measure(40, 6.0)
    assert beamline.predicted_s(300, 2.0) == pytest.approx(beamline.wall_s(300, 2.0), rel=0.05)


def test_a_lost_beam_or_an_aborted_run_teaches_nothing(tmp_path: Path) -> None:
    """Lost: all predictions, after one night without beam."""
    beamline = Beamline(tmp_path)
    beamline.measure(40, 6.0, waited_s=3600.0)
    beamline.measure(3, 600.0, status="abort")
    assert beamline.predicted_s(40, 6.0) == pytest.approx(beamline.wall_s(40, 6.0), rel=0.05)


def test_the_next_session_knows_the_runs_of_this_one(tmp_path: Path) -> None:
    """Lost: what was learned, every morning; and a guess in the place of what is not known."""
    Beamline(tmp_path).measure(40, 6.0)
    again = Beamline(tmp_path)
    assert again.predicted_s(40, 6.0) == pytest.approx(again.wall_s(40, 6.0), rel=0.05)
    assert again.learned.predict("delay_scan", ["delay_ps"], 40, 240.0) is None


def moved(root: Path, step_ev: float, plan: str = "energy_scan") -> PlanTimes:
    """Times after a run of 40 points, a `step_ev` apart: 0.3 s per step, and 1 s for 2 eV."""
    times = dict.fromkeys(Activity, 0.0) | {
        Activity.COUNTING: 40 * 1.0,
        Activity.MOVING: 2.0 + 40 * 0.3 + 39 * step_ev / 2.0,
    }
    learned = PlanTimes(root, lambda: times, lambda: 2.0)
    points = [step_ev * number for number in range(40)]
    learned("start", {"uid": "r", "plan_name": plan, "grid": {"axis": "energy_ev", "points": points}})
    learned("descriptor", {"uid": "d", "run_start": "r", "name": "primary"})
    for number in range(40):
        event = {"uid": str(number), "descriptor": "d", "seq_num": number + 1, "time": 0.0, "timestamps": {}}
        learned("event", event | {"data": {"exposure_s": 1.0, "point_index": number}})
    learned("stop", {"uid": "s", "run_start": "r", "exit_status": "success"})
    return learned


def test_steps_of_another_length_are_predicted_within_5_per_cent(tmp_path: Path) -> None:
    """Lost: the end of a scan with wider steps than those before, of a drive that takes its time."""
    moved(tmp_path, 1.0)
    learned = moved(tmp_path, 4.0)
    found = learned.predict("energy_scan", ["energy_ev"], 100, 100 * 1.0, [99 * 10.0])
    assert found is not None
    assert found.seconds == pytest.approx(2.0 + 100 * 1.3 + 99 * 5.0, rel=0.05)


def test_a_new_plan_takes_what_others_along_its_axes_took(tmp_path: Path) -> None:
    """Lost: the first prediction of every plan of a beam time."""
    learned = moved(tmp_path, 1.0, plan="foil_scan")
    found = learned.predict("energy_scan", ["energy_ev"], 40, 40 * 1.0, [39.0])
    assert found is not None
    assert found.seconds == pytest.approx(2.0 + 40 * 1.3 + 39 * 0.5, rel=0.05)
    assert learned.predict("energy_scan stepped by fly", ["energy_ev"], 40, 40.0, [39.0]) is None


def test_ways_are_those_of_the_course() -> None:
    """Lost: the time of a snake, whose axis does not return between passes."""
    points = [[0.0], [1.0], [3.0]]
    assert ways_of(points, [0, 1, 2, 2, 1, 0]) == [6.0]
    assert ways_of(points, [0, 1, 2, 0, 1, 2]) == [9.0]
    assert ways_of([], []) == []
