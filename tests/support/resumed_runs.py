"""A run of every plan that can be resumed, and what was measured in it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from bluesky import RunEngine

import plans
from devices.beamline import Beamline
from plans.resume import resumable_plans
from tests.support.fake_beamline import FakeHardware
from tests.support.quick_plans import quick_plan
from tests.support.types import Documents

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
