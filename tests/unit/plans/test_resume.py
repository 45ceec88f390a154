"""If these fail, a resumed run measures what there is already, leaves a gap, or is no part of the run it resumes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from bluesky import RunEngine

import plans
from devices.beamline import Beamline
from errors import InputError
from plans.resume import resumable_plans
from tests.support.fake_beamline import FakeHardware
from tests.support.quick_plans import quick_plan

Documents = list[tuple[str, dict[str, Any]]]

RUNS: dict[str, Callable[[Beamline], Any]] = {
    # Images need a Pilatus, which tests of their own have.
    **{name: functools.partial(quick_plan, name=name) for name in resumable_plans() if name != "diffraction"},
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
    "axis_scan": lambda line: plans.axis_scan(line, "nozzle_mm", [-1.0, 0.0, 1.0], dwell_s=1.0),
    "grid_scan": lambda line: plans.grid_scan(line, "Br K", [13_460.0, 13_472.0], [0.0, 50.0, 100.0], dwell_s=1.0),
    "overlap_scan": lambda line: plans.overlap_scan(line, "horizontal", positions_um=[-10.0, 0.0], dwell_s=1.0),
    "delay_self_test": lambda line: plans.delay_self_test(line, dwell_s=1.0),
    "static_energy_scan": lambda line: plans.static_energy_scan(
        line, "Br K", temperature_c=30.0, regions_ev=[(13_460, 13_462, 1)], dwell_s=1.0, allow_unreducible=True
    ),
}


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


def test_every_scan_can_be_resumed() -> None:
    assert set(resumable_plans()) == {*RUNS, "diffraction"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plan_name": "calibrate_attenuator"}, "Cannot resume a run of 'calibrate_attenuator'"),
        ({"beamline": "8ID"}, "was made at 8ID"),
        ({"time_zero_raw_ps": 0.0}, "time_zero_raw_ps = 0.0"),
        ({"delay_ps": 1e9}, "outside -100000 to"),
        ({"bunch_period": {"period_ps": 153_400.0, "error_ps": 29.0, "source": "measured"}}, "bunch_period = "),
    ],
)
def test_a_run_that_cannot_be_resumed_here_moves_nothing(changes: dict[str, Any], message: str) -> None:
    hardware = FakeHardware()
    start = recorded(hardware, RUNS["energy_scan"](hardware.beamline))[0][1]
    hardware.moves.clear()
    with pytest.raises(InputError, match=message):
        recorded(hardware, plans.resume_scan(hardware.beamline, {**start, **changes}, []))
    assert hardware.moves == []


def test_a_whole_run_leaves_nothing_to_resume() -> None:
    hardware = FakeHardware()
    whole = recorded(hardware, RUNS["energy_scan"](hardware.beamline))
    with pytest.raises(InputError, match="nothing to resume"):
        recorded(hardware, plans.resume_scan(hardware.beamline, whole[0][1], exposures(whole)))


def test_the_last_digit_of_an_rf_frequency_does_not_keep_a_run_from_being_resumed() -> None:
    """Lost: a night's interrupted run, because the RF has moved by 1 Hz."""
    hardware = FakeHardware()
    run = recorded(hardware, RUNS["energy_scan"](hardware.beamline))
    done = exposures(run)[:3]
    signal: Any = hardware.beamline.ring.rf_frequency
    signal.sim_put(signal.get() + 1e-6)
    rest = recorded(hardware, plans.resume_scan(hardware.beamline, run[0][1], done))
    assert set(exposures(rest)) == set(exposures(run)) - set(done)
