"""If these fail, zeros are measured with X-rays, gains with the laser, or a shutter is left where nobody expects it."""

from __future__ import annotations

from typing import Any

import pytest

import plans
from errors import AcquisitionError, InputError
from plans.xas.schedule import spread
from tests.support.recorded_runs import RecordedRuns
from trxas.configuration import load_configuration

CONFIGURATION = load_configuration().beamline


def test_dark_exposures_are_made_without_x_rays_and_the_shutter_returns(recorded: RecordedRuns) -> None:
    recorded.run(plans.dark_exposures(recorded.line, delays_ps=[100.0, 10_000.0], dwell_s=1.0, repeats=2))
    assert recorded.moved("xray_shutter") == [0, 1]
    states = [(event["point_index"], event["laser_shutter"]) for event in recorded.events]
    assert sorted(states) == sorted(2 * [(0, 0), (0, 1), (1, 0), (1, 1)])
    assert {event["quality"] for event in recorded.events} == {""}
    start = recorded.starts[0]
    assert start["fluence_mj_cm2"] == 8.83
    assert start["gate_calibration"] == {}
    assert recorded.line.laser_shutter.position == "closed"


def test_a_shutter_that_was_closed_stays_closed(recorded: RecordedRuns) -> None:
    line: Any = recorded.line
    for signal in (line.xray_shutter.readback, line.surroundings.xray_shutter):
        signal.sim_put(0)
    recorded.run(plans.dark_exposures(line, dwell_s=1.0, repeats=1))
    assert line.xray_shutter.position == "closed"
    assert len(recorded.events) == 2


def test_x_rays_in_the_dark_make_no_good_exposure(recorded: RecordedRuns) -> None:
    """Somebody opens the shutter from elsewhere: the run ends, and the X-rays are off afterwards."""
    line: Any = recorded.line
    line.xray_shutter.setpoint.on_put = lambda value: line.xray_shutter.readback.sim_put(value)
    with pytest.raises(AcquisitionError, match="xrays_off = 1, needs 0"):
        recorded.run(plans.dark_exposures(line, dwell_s=1.0, repeats=1))
    assert all(event["quality"] for event in recorded.events)
    assert line.xray_shutter.position == "closed"


def test_blocked_exposures_keep_the_laser_off_and_the_x_rays_on(recorded: RecordedRuns) -> None:
    recorded.run(plans.blocked_exposures(recorded.line, energy_ev=13_480.0, dwell_s=1.0, repeats=3))
    assert [event["laser_shutter"] for event in recorded.events] == [0, 0, 0]
    assert [event["energy_ev"] for event in recorded.events] == pytest.approx([13_480.0] * 3)
    assert recorded.moved("xray_shutter") == []
    assert recorded.starts[0]["laser"] == "closed"


ENERGIES_EV = [(13_450, 13_460, 5), (13_466, 13_480, 2), (13_540, 13_570, 10)]


def test_a_scan_brings_along_the_runs_that_calibrate_it(recorded: RecordedRuns) -> None:
    """Lost otherwise: a night of scans whose zeros, gains and energies were those of last week."""
    uids = recorded.run(
        plans.energy_scan(
            recorded.line, "Br K", delay_ps=100, dwell_s=1.0, regions_ev=ENERGIES_EV, gates="around", gates_s=10.0,
            foil="before", sample="vial 7",
        )
    )  # fmt: skip
    names = ["foil_before", "dark_before", "blocked_before", "scan", "dark_after", "blocked_after"]
    assert list(uids) == names
    assert [start["uid"] for start in recorded.starts] == list(uids.values())
    assert len({start["series"] for start in recorded.starts}) == 1
    assert [start["sample"] for start in recorded.starts] == ["Pb foil", *["vial 7"] * 5]
    dark = recorded.starts[1]
    assert dark["grid"] == {"axis": "delay_ps", "points": [100.0]}
    assert dark["repeats"] * dark["dwell_s"] == 10.0
    assert recorded.line.xray_shutter.position == "open"


def test_a_scan_without_a_schedule_is_the_scan_alone(recorded: RecordedRuns) -> None:
    uid = recorded.run(plans.delay_scan(recorded.line, "Br K", dwell_s=1.0, delays_ps=[-200.0, 100.0, 300.0]))
    assert [start["uid"] for start in recorded.starts] == [uid]


def test_dark_exposures_of_a_long_delay_scan_see_few_of_its_delays() -> None:
    assert spread([10.0]) == [10.0]
    assert spread(list(range(35))) == [0.0, 7.0, 14.0, 20.0, 27.0, 34.0]


def test_a_long_scan_is_calibrated_every_so_many_passes() -> None:
    """Lost otherwise: a drift of hours is known at the ends of a night only."""
    runs = plans.energy_scan.entry.specs(
        CONFIGURATION, edge="Br K", delay_ps=100.0, regions_ev=ENERGIES_EV, repeats=3, foil="2", gates=1, gates_s=10.0
    )
    assert isinstance(runs, dict)
    assert list(runs) == [
        "foil_before", "dark_before", "blocked_before", "scan_1_to_1", "dark_pass_1", "blocked_pass_1", "scan_2_to_2",
        "foil_pass_2", "dark_pass_2", "blocked_pass_2", "scan_3_to_3", "dark_after", "blocked_after", "foil_after",
    ]  # fmt: skip
    assert [run.options.repeats for name, run in runs.items() if name.startswith("scan")] == [1, 1, 1]


def test_a_scan_that_decides_on_its_passes_is_not_divided_by_them() -> None:
    with pytest.raises(InputError, match="cannot be divided by passes"):
        plans.energy_scan.entry.specs(CONFIGURATION, edge="Br K", delay_ps=100.0, until_sigma=0.001, foil=2)


@pytest.mark.parametrize("value", ["sometimes", 0, -1, 1.5, True, None])
def test_a_schedule_that_means_nothing_is_refused_before_anything_moves(recorded: RecordedRuns, value: Any) -> None:
    with pytest.raises(InputError, match="is not a schedule: give 'none', 'before', 'around', or a number"):
        recorded.run(plans.energy_scan(recorded.line, "Br K", delay_ps=100, foil=value))
    assert recorded.starts == []
