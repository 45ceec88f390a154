"""If these fail, a resumed run measures what there is already, leaves a gap, or is not part of the run it resumes."""

from __future__ import annotations

import pytest

import plans
from tests.support.fake_beamline import FakeHardware
from tests.support.quick_plans import QUICK
from tests.support.resumed_runs import RUNS, exposures, recorded
from tests.support.types import Documents
from tests.support.waiting import WAIT_S

OF_THE_RUN = {"uid", "time", "scan_id", "num_points", "resumes", "missing_points"}


def first_run(documents: Documents) -> Documents:
    """Of several runs the first."""
    return documents[: 1 + [name for name, _ in documents].index("stop")]


# Maps need a microscope, which tests of their own have.
@pytest.mark.parametrize("plan_name", sorted(RUNS.keys() & QUICK.keys()))
def test_only_what_is_missing_is_measured_in_the_same_order_with_the_same_keys(plan_name: str) -> None:
    hardware = FakeHardware()
    whole = first_run(recorded(hardware, RUNS[plan_name](hardware.beamline)))
    start, measured = whole[0][1], exposures(whole)
    done = measured[::2]
    resumed = recorded(hardware, plans.resume_scan(hardware.beamline, start, done, md={"reason": "power cut"}))
    again = resumed[0][1]
    assert exposures(resumed) == [exposure for exposure in measured if exposure not in done]
    assert again["resumes"] == start["uid"]
    assert again["num_points"] == len(measured) - len(done)
    assert again.pop("reason") == "power cut"
    assert {key: again[key] for key in again.keys() - OF_THE_RUN} == {
        key: start[key] for key in start.keys() - OF_THE_RUN
    }
    events = [doc["data"] for name, doc in whole if name == "event"]
    for event in (doc["data"] for name, doc in resumed if name == "event"):
        index = measured.index((event["scan_index"], event["point_index"], event["laser_shutter"]))
        for axis in ("energy_ev", "delay_ps", "fluence_mj_cm2", "pointing_horizontal_um", "temperature_c"):
            assert event.get(axis) == pytest.approx(events[index].get(axis), abs=1e-6)


def test_a_resumed_scan_puts_back_what_its_plan_would_have() -> None:
    hardware = FakeHardware()
    line = hardware.beamline
    whole = recorded(hardware, RUNS["overlap_scan"](line))
    assert line.pointing_horizontal is not None
    line.pointing_horizontal.readback.sim_put(-10.0)  # where the crash left it
    recorded(hardware, plans.resume_scan(line, whole[0][1], [(0, 0, 1)]))
    assert line.pointing_horizontal.position == 0.0
    arm = first_run(recorded(hardware, RUNS["delay_self_test"](line)))
    recorded(hardware, plans.resume_scan(line, arm[0][1], exposures(arm)[1:]))
    line.delay.set(100.0).wait(timeout=WAIT_S)
    assert line.delay.fine_setpoint.get() == pytest.approx(line.delay.split(100.0)[1])
