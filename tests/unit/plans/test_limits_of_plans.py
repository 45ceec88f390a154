"""If these fail, a plan sends the laser, the monochromator, the delay or the cell where they may not go."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import plans
from errors import InputError
from tests.support.fake_beamline import FakeHardware
from tests.support.quick_plans import PLANS, STATED_LIMITS
from tests.support.recorded_runs import RecordedRuns

BEYOND: dict[str, list[Any]] = {
    "fluence_mj_cm2": [12.6, 1e6, -0.1],
    "fluences_mj_cm2": [[0.5, 12.6], [-0.1, 1.0]],
    "delay_ps": [-100_001.0, 200_001.0],
    "delays_ps": [[0.0, 200_001.0], [-100_001.0, 0.0]],
    "regions_ps": [[(0.0, 300_000.0, 100_000.0)]],
    "around_ps": [200_001.0, -100_001.0],
    "energy_ev": [12_799.0, 13_701.0],
    "regions_ev": [[(13_690, 13_701, 1)], [(12_799, 12_810, 1)]],
    "until_window_ev": [[13_690.0, 13_701.0], [12_799.0, 12_810.0]],
    "regions_k": [[(3.0, 41.0, 1.0)], [(-1.0, 4.0, 1.0)]],
    "temperature_c": [19.0, 161.0],
    "temperatures_c": [[25.0, 161.0], [19.0]],
    "positions": [[0.0, 5.1], [-5.1, 0.0]],
    "positions_um": [[0.0, 201.0], [-201.0, 0.0]],
    "slow_points": [[12_799.0, 13_470.0], [13_470.0, 13_701.0]],
    "fast_points": [[0.0, 200_001.0], [-100_001.0, 0.0]],
    "settings": [[{"nozzle_mm": 5.1}], [{"delay_ps": 0.0, "nozzle_mm": -5.1}]],
    "angles_deg": [[0.0, 10.0, 20.0, 51.0], [-1.0, 10.0, 20.0, 30.0]],
    "dwell_power": [3.1, -0.1],
    "dwell_factors": [[0.009, 1.0], [1.0, 101.0]],
    "dwell_s": [401.0, 0.0],
    "image_dwell_s": [3601.0],
    "t0_ps": [76_701.0, -76_701.0],
    "offset_ev": [20.1, -20.1],
    "sigma_ps": [100_001.0, 0.0, -45.0],
    "error_ps": [100_001.0, 0.0],
    "error_ev": [100.1, -0.1],
    "period_ps": [153_323.0, 153_477.0],
}
"""Values outside the limits of 7ID, by the name of the argument that takes them."""

BEYOND = {name: [low - 1.0, high + 1.0] for name, (low, high) in STATED_LIMITS.items()} | BEYOND

NEEDED: dict[str, Any] = {
    "axis": "nozzle_mm",
    "edge": "Br K",
    "delay_ps": 100.0,
    "direction": "horizontal",
    "offset_ev": 0.0,
    "positions": [0.0],
    "sigma_ps": 45.0,
    "error_ps": 2.0,
    "period_ps": 153_439.0,
    "slow_points": [13_470.0],
    "fast_points": [0.0],
    "settings": [{"nozzle_mm": 0.0}],
    "t0_ps": 0.0,
}
"""Arguments without a default."""

NO_LIMIT = {
    "axis",
    "edge",
    "edges",
    "direction",
    "slow",
    "fast",
    "repeats",
    "readings",
    "images",
    "sample",
    "series",
    "md",
    "approach",
    "apply",
    "allow_unreducible",
}
NO_LIMIT |= {"shutter_reference", "order", "gates", "foil", "foil_edge", "until", "stepping"}

CASES = [
    (plan, name, value)
    for plan in PLANS
    for name in list(inspect.signature(getattr(plans, plan)).parameters)[1:]
    for value in BEYOND.get(name, [])
]


def arguments(plan: str, **given: Any) -> dict[str, Any]:
    parameters = inspect.signature(getattr(plans, plan)).parameters
    needed = {
        name: NEEDED[name] for name in list(parameters)[1:] if parameters[name].default is inspect.Parameter.empty
    }
    return needed | given


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[RecordedRuns]:
    """The fake beamline, with a Pilatus."""
    with RecordedRuns(tmp_path) as made:
        yield made


@pytest.mark.parametrize(("plan", "name", "value"), CASES)
def test_no_plan_goes_beyond_a_limit_nothing_moves_and_no_run_begins(
    runs: RecordedRuns, plan: str, name: str, value: Any
) -> None:
    with pytest.raises(InputError, match=r"outside"):
        runs.run(getattr(plans, plan)(runs.line, **arguments(plan, **{name: value})))
    runs.assert_untouched()


def test_every_argument_of_every_plan_has_its_limit_tested() -> None:
    """If this fails, a new argument has no example of a value beyond its limits here."""
    names = {name for plan in PLANS for name in list(inspect.signature(getattr(plans, plan)).parameters)[1:]}
    assert names == BEYOND.keys() | NO_LIMIT, "Enter new names in BEYOND or NO_LIMIT of this file."


@pytest.mark.parametrize(("axis", "beyond"), [("energy_ev", 13_701.0), ("fluence_mj_cm2", 12.6), ("delay_ps", 2e5 + 1)])
def test_the_devices_themselves_refuse_what_a_hand_written_plan_asks(axis: str, beyond: float) -> None:
    hardware = FakeHardware()
    with pytest.raises(InputError, match="outside"):
        hardware.beamline.axes[axis].set(beyond)
    with pytest.raises(InputError, match="outside"):
        hardware.beamline.axis_group.set({axis: beyond})
    assert hardware.moves == []
