"""If these fail, a resumed run measures what there is already, leaves a gap, or is no part of the run it resumes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from bluesky import RunEngine

import plans
from devices.beamline import Beamline
from plans.resume import resumable_plans
from tests.support.fake_beamline import FakeHardware
from tests.support.quick_plans import QUICK, quick_plan
from tests.support.waiting import WAIT_S

Documents = list[tuple[str, dict[str, Any]]]

RUNS: dict[str, Callable[[Beamline], Any]] = {
    # Images need a Pilatus, and maps a microscope, which tests of their own have.
    **{
        name: functools.partial(quick_plan, name=name)
        for name in resumable_plans()
        if name in QUICK and name != "diffraction"
    },
    "energy_scan": lambda line: plans.energy_scan(
        line,
        "Br K",
        delay_ps=100.0,
        regions_ev=[(13_460, 13_462, 1)],
        dwell_s=1.0,
        repeats=2,
        shutter_reference="scan",
        allow_unreducible=True,
    ),
    "delay_scan": lambda line: plans.delay_scan(
        line, "Pb L3", delays_ps=[0.0, 50.0], dwell_s=1.0, shutter_reference="point", md={"vial": 3}
    ),
    "fluence_scan": lambda line: plans.fluence_scan(line, "Br K", fluences_mj_cm2=[1.0, 2.0, 3.0], dwell_s=1.0),
    "foil_scan": lambda line: plans.foil_scan(line, regions_ev=[(13_030, 13_040, 5)], dwell_s=1.0),
    "time_zero_scan": lambda line: plans.time_zero_scan(line, delays_ps=[-50.0, 0.0, 50.0], dwell_s=1.0),
    "overlap_scan": lambda line: plans.overlap_scan(line, "horizontal", positions_um=[-10.0, 0.0], dwell_s=1.0),
    "delay_self_test": lambda line: plans.delay_self_test(line, dwell_s=1.0),
    "static_energy_scan": lambda line: plans.static_energy_scan(
        line, "Br K", temperature_c=30.0, regions_ev=[(13_460, 13_462, 1)], dwell_s=1.0, allow_unreducible=True
    ),
}
OF_THE_RUN = {"uid", "time", "scan_id", "num_points", "resumes", "missing_points"}


def recorded(hardware: FakeHardware, plan: Any) -> Documents:
    engine, documents = RunEngine({}), []
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    engine(plan)
    return documents


def exposures(documents: Documents) -> list[tuple[int, int, int]]:
    return [
        (doc["data"]["scan_index"], doc["data"]["point_index"], doc["data"]["laser_shutter"])
        for name, doc in documents
        if name == "event"
    ]


def first_run(documents: Documents) -> Documents:
    """Of several runs the first."""
    return documents[: 1 + [name for name, _ in documents].index("stop")]


@pytest.mark.parametrize("plan_name", RUNS)
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
