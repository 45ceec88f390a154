"""If these fail, a scan measures in the wrong order, repeats or loses points, or leaves the laser on the sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import bluesky.plan_stubs as bps
import numpy as np
import pytest

import plans
from devices.configuration.geometry_settings import GeometrySettings
from errors import AcquisitionError, InputError, MotionError, NotConnectedError, OutOfRangeError
from plans.engine import suspending
from plans.engine.start_document import laser_overlap
from reduction.accumulator import accumulate
from tests.support.recorded_scans import RecordedScans
from tests.support.waiting import WAIT_S


@pytest.fixture
def recorded() -> Iterator[RecordedScans]:
    with RecordedScans() as runs:
        yield runs


def test_every_point_once_in_order_with_all_probes_in_both_modes(recorded: RecordedScans) -> None:
    recorded.energy_scan(repeats=2)
    assert [(event["scan_index"], event["point_index"]) for event in recorded.events] == [
        (scan, point) for scan in range(2) for point in range(3)
    ]
    assert [event["energy_ev"] for event in recorded.events] == pytest.approx([13_460, 13_461, 13_462] * 2)
    for event in recorded.events:
        assert np.shape(event["spc_counts"]) == (2, 5)
        assert np.shape(event["boxcar_mean"]) == (5,)
        assert event["laser_shutter"] == 1
        assert event["delay_ps"] == pytest.approx(100)
        assert event["quality"] == ""
    assert recorded.of("stop")["exit_status"] == "success"


def test_the_run_can_be_reduced_from_its_documents_alone(recorded: RecordedScans) -> None:
    recorded.energy_scan(sample="vial 3")
    accumulator = accumulate(recorded.documents)
    assert accumulator.metadata.sample == "vial 3"
    assert accumulator.metadata.timing.irf_sigma_ps == 45
    assert accumulator.metadata.timing.pump_overlap[:2] == pytest.approx((1.0, 0.987), abs=1e-3)
    assert accumulator.metadata.laser_overlap == pytest.approx(0.99727, abs=1e-5)
    assert accumulator.exposures.sum() == 3


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("none", [(0, 1), (1, 1), (2, 1)]),
        ("point", [(0, 1), (0, 0), (1, 0), (1, 1), (2, 1), (2, 0)]),
        ("scan", [(0, 1), (1, 1), (2, 1), (0, 0), (1, 0), (2, 0)]),
    ],
)
def test_laser_shutter_reference(recorded: RecordedScans, reference: str, expected: list[tuple[int, int]]) -> None:
    recorded.energy_scan(shutter_reference=reference)
    assert [(event["point_index"], event["laser_shutter"]) for event in recorded.events] == expected
    assert recorded.of("start")["num_points"] == len(expected)


def test_laser_is_blocked_when_a_scan_has_ended(recorded: RecordedScans) -> None:
    recorded.energy_scan()
    shutter = [value for name, value in recorded.hardware.moves if name == "laser_shutter"]
    assert shutter == [1, 0]
    assert recorded.hardware.beamline.laser_shutter.position == "closed"


def test_laser_is_blocked_when_a_scan_fails(recorded: RecordedScans) -> None:
    def fail(name: str, doc: dict[str, Any]) -> None:
        raise OSError("disk full")

    recorded.engine.subscribe(fail, "event")
    with pytest.raises(OSError, match="disk full"):
        recorded.energy_scan()
    assert recorded.hardware.beamline.laser_shutter.position == "closed"


def test_delay_scan_sits_on_the_main_feature(recorded: RecordedScans) -> None:
    delays = [-500.0, 0.0, 100.0]
    recorded.engine(plans.delay_scan(recorded.hardware.beamline, "Pb L3", delays_ps=delays, dwell_s=1.0))
    assert sorted(event["delay_ps"] for event in recorded.events) == pytest.approx(delays)
    assert {round(event["energy_ev"], 3) for event in recorded.events} == {13_043.0}
    assert recorded.of("start")["energy_ev"] == 13_043.0


def test_a_swallowed_exposure_is_measured_again_not_lost_not_doubled(recorded: RecordedScans) -> None:
    recorded.hardware.refused_triggers = 1
    recorded.energy_scan()
    assert [event["point_index"] for event in recorded.events] == [0, 1, 2]


def test_an_axis_that_recovers_costs_no_point(recorded: RecordedScans) -> None:
    """Lost: the run, through a motor glitch at the first points, as in the real beam time: the point is repeated."""
    hardware = recorded.hardware
    failed: list[Any] = []

    def glitch(kev: float) -> None:
        hardware.energy_error_kev = 0.001 if len(failed) == 1 else 0.0
        failed.append(kev)
        hardware._move_energy(kev)

    hardware.beamline.energy.setpoint.on_put = glitch
    recorded.energy_scan()
    assert [event["energy_ev"] for event in recorded.events] == pytest.approx([13_460, 13_461, 13_462])


def test_a_point_that_never_works_ends_the_run_with_its_reason(recorded: RecordedScans) -> None:
    recorded.hardware.refused_triggers = 100
    with pytest.raises(AcquisitionError, match="Expected exposure"):
        recorded.energy_scan()
    assert recorded.exposures == []
    assert recorded.of("stop")["exit_status"] == "fail"
    assert recorded.hardware.refused_triggers == 100 - recorded.hardware.beamline.configuration.quality.attempts


def test_a_motor_that_stops_short_ends_the_run(recorded: RecordedScans) -> None:
    recorded.hardware.energy_error_kev = 0.001
    with pytest.raises(MotionError, match=r"not be reached in 3 attempts .* sent to 13460 eV and stopped at 13461 eV"):
        recorded.energy_scan()
    assert recorded.exposures == []


def test_waiting_for_a_lost_pv_has_an_end(recorded: RecordedScans) -> None:
    recorded.hardware.beamline.energy.readback.answers = False
    with pytest.raises(NotConnectedError, match="7ida:BraggERdbkAO"):
        recorded.engine(suspending.wait_connected(recorded.hardware.beamline, timeout_s=0.0))


def test_a_bad_point_is_marked_not_averaged_and_measured_again(recorded: RecordedScans) -> None:
    hardware = recorded.hardware
    exposures = []

    def count(value: int) -> None:
        exposures.append(value)
        if len(exposures) == 2:
            # Down and up again within the exposure: at its end all is well.
            hardware.beamline.surroundings.jet_flow.sim_put(10.0)
        hardware.beamline.surroundings.jet_flow.sim_put(240.0)
        hardware._count(value)

    hardware.beamline.exposure.count.on_put = count
    recorded.energy_scan()
    assert [(event["point_index"], event["quality"]) for event in recorded.events] == [
        (0, ""),
        (1, "jet_flow"),
        (1, ""),
        (2, ""),
    ]
    assert accumulate(recorded.documents).exposures.sum() == 3


def test_an_axis_moved_by_somebody_else_is_marked_put_back_and_measured_again(recorded: RecordedScans) -> None:
    """The 40 ps jump: without this, every later point is stored at a wrong delay as if nothing had happened."""
    hardware, exposures = recorded.hardware, []

    def count(value: int) -> None:
        exposures.append(value)
        if len(exposures) == 2:
            hardware.beamline.delay.fine_readback.sim_put(hardware.beamline.delay.fine_readback.get() + 40.0)
        hardware._count(value)

    hardware.beamline.exposure.count.on_put = count
    recorded.energy_scan()
    assert [(event["point_index"], event["quality"]) for event in recorded.events] == [
        (0, ""),
        (1, "delay"),
        (1, ""),
        (2, ""),
    ]
    assert recorded.events[-1]["delay_ps"] == pytest.approx(100)


def test_a_laser_that_cannot_be_blocked_is_said_loudly_with_the_first_reason(
    recorded: RecordedScans, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = recorded.hardware

    def fail(name: str, doc: dict[str, Any]) -> None:
        hardware.beamline.laser_shutter.setpoint.on_put = lambda value: None
        raise OSError("disk full")

    recorded.engine.subscribe(fail, "event")
    with pytest.raises(MotionError, match=r"LASER MAY STILL BE ON THE SAMPLE.*laser:rbv.*disk full"):
        recorded.energy_scan()


def test_laser_is_blocked_while_a_plan_is_paused(recorded: RecordedScans) -> None:
    line = recorded.hardware.beamline
    line.axis_group.set({"laser_shutter": "open"}).wait(timeout=WAIT_S)
    line.axis_group.pause()
    assert line.laser_shutter.position == "closed"
    line.axis_group.resume()
    assert line.laser_shutter.position == "open"


def test_gates_that_stay_saturated_end_the_run_with_all_that_was_measured(recorded: RecordedScans) -> None:
    recorded.hardware.counts = np.full((2, 5), 2_000_000)
    with pytest.raises(AcquisitionError, match=r"bad 3 times.*gates_saturated: 2000000 counts in 1303781 gates"):
        recorded.energy_scan()
    assert [event["quality"] for event in recorded.events] == ["gates_saturated"] * 3
    assert recorded.of("stop")["exit_status"] == "fail"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"edge": "Br L3"}, InputError, "out of the monochromator's reach"),
        ({"delay_ps": math.nan}, InputError, "delay_ps = nan"),
        ({"delay_ps": 1e9}, OutOfRangeError, "-100000 to 200000 ps"),
        ({"fluence_mj_cm2": 50.0}, OutOfRangeError, r"0 to 12\.5 mJ/cm2"),
        ({"fluence_mj_cm2": -0.1}, OutOfRangeError, r"0 to 12\.5 mJ/cm2"),
        ({"regions_ev": [(12_000, 12_100, 10)]}, OutOfRangeError, "12800 to 13700 eV"),
        ({"regions_ev": [(13_470, 13_460, 1)]}, InputError, "reversed or empty"),
        ({"regions_ev": []}, InputError, "empty"),
        ({"dwell_s": 0.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"dwell_s": math.nan}, InputError, "not a finite number"),
        ({"repeats": 0}, InputError, "1 to 10000"),
        ({"repeats": 1.5}, InputError, "whole number"),
        ({"delay_ps": 153_300.0, "md": None}, OutOfRangeError, "outside -100000 to 15"),
        ({"sample": 5}, InputError, "give a string"),
        ({"md": {"uid": "mine"}}, InputError, "uid"),
        ({"md": {"x": object()}}, InputError, "cannot be stored"),
        ({"md": "vial"}, InputError, "mapping"),
        ({"regions_ev": 13_472}, InputError, "list of regions"),
        ({"regions_ev": (13_460, 13_470, 1)}, InputError, "three finite numbers"),
        ({"regions_ev": [(13_460, 13_470, 1j)]}, InputError, "three finite numbers"),
        ({"regions_ev": [(0, 10**500, 1)]}, InputError, "three finite numbers"),
        ({"edge": ["Br K"]}, InputError, "'Br K', 'Pb L3'"),
        ({"shutter_reference": "never"}, InputError, "'none', 'point', 'scan'"),
    ],
)
def test_bad_input_moves_nothing_and_starts_no_run(
    recorded: RecordedScans, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        recorded.energy_scan(**options)
    assert recorded.hardware.moves == []
    assert recorded.documents == []


@pytest.mark.parametrize(
    ("signal", "value", "message"),
    [
        ("exposure.counting", 1, "counting already"),
        ("surroundings.ring_current", 0.0, "ring_current"),
        ("surroundings.jet_flow", 0.0, "jet_flow"),
        ("laser.lock", 0, "laser_lock"),
        ("laser.rate_divider", 4, "laser_rate_divider"),
    ],
)
def test_a_beamline_that_is_not_ready_moves_nothing(
    recorded: RecordedScans, signal: str, value: float, message: str
) -> None:
    device, component = signal.split(".")
    getattr(getattr(recorded.hardware.beamline, device), component).sim_put(value)
    with pytest.raises(AcquisitionError, match=message):
        recorded.energy_scan()
    assert recorded.hardware.moves == []
    assert recorded.documents == []


def test_a_missing_pv_moves_nothing_and_is_named(recorded: RecordedScans) -> None:
    recorded.hardware.beamline.delay.fine_readback.answers = False
    with pytest.raises(NotConnectedError, match="7idd:digDelay1:actualDelay"):
        recorded.energy_scan()
    assert recorded.hardware.moves == []


def test_two_ways_to_give_delays_are_refused(recorded: RecordedScans) -> None:
    plan = plans.delay_scan(recorded.hardware.beamline, "Br K", delays_ps=[0.0], regions_ps=[(0, 1, 1)])
    with pytest.raises(InputError, match="not both"):
        recorded.engine(plan)


def test_axes_work_with_stock_plans(recorded: RecordedScans) -> None:
    recorded.engine(bps.mv(recorded.hardware.beamline.energy, 13_000.0, recorded.hardware.beamline.delay, 50.0))
    assert recorded.hardware.beamline.energy.position == pytest.approx(13_000.0)


def test_the_mean_overlap_is_that_of_a_spot_that_moves() -> None:
    """10 000 places drawn for a jitter of a fifth of the spot: known to 0.0015, 5 sigma are 1 in 2 million."""
    geometry = GeometrySettings(laser_fwhm_um=45.0, pointing_jitter_um=9.0)
    beside_um = np.random.default_rng(1).normal(0.0, 9.0, (2, 10_000))
    fluence = np.exp(-4.0 * np.log(2.0) * np.sum((beside_um / 45.0) ** 2, axis=0))
    assert laser_overlap(geometry) == pytest.approx(fluence.mean(), abs=5 * fluence.std() / 100.0)
    assert laser_overlap(GeometrySettings()) == 1.0
