"""If these fail, fluences are not those that the power meter shows, or a fluence scan measures something else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from ophyd.utils import StatusTimeoutError

import plans
from devices.axes.fluence import AttenuatorCalibration
from errors import InputError, NotConnectedError, OutOfRangeError, ReductionError
from plans.xas.attenuator import fit_attenuator
from tests.support.recorded_runs import RecordedRuns


def test_every_fluence_once_at_one_energy_and_delay(recorded: RecordedRuns) -> None:
    uid = recorded.run(plans.fluence_scan(recorded.line, "Br K", dwell_s=1.0, sample="vial 3", repeats=2))
    (start,) = recorded.starts
    assert (start["uid"], start["plan_name"], start["sample"]) == (uid, "fluence_scan", "vial 3")
    assert start["grid"]["axis"] == "fluence_mj_cm2"
    assert start["grid"]["points"][0] == 0.5
    assert start["grid"]["points"][-1] == 12.4
    assert (start["energy_ev"], start["delay_ps"]) == (13_472.0, 100.0)
    measured = [event["fluence_mj_cm2"] for event in recorded.events]
    up = start["grid"]["points"]
    assert measured == pytest.approx([*up, *reversed(up)], abs=0.01)
    assert {round(event["delay_ps"]) for event in recorded.events} == {100}
    assert recorded.line.laser_shutter.position == "closed"


def test_a_fluence_point_that_fails_is_measured_again(recorded: RecordedRuns) -> None:
    recorded.hardware.refused_triggers = 1
    recorded.run(plans.fluence_scan(recorded.line, "Pb L3", fluences_mj_cm2=[1.0, 2.0], dwell_s=1.0))
    assert [event["point_index"] for event in recorded.events] == [0, 1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"edge": "Br L3"}, InputError, "out of the monochromator's reach"),
        ({"fluences_mj_cm2": []}, InputError, "empty"),
        ({"fluences_mj_cm2": [2.0, 1.0]}, InputError, "ascend"),
        ({"fluences_mj_cm2": [1.0, math.nan]}, InputError, "not a finite number"),
        ({"fluences_mj_cm2": [1.0, 20.0]}, OutOfRangeError, r"0 to 12\.5 mJ/cm2"),
        ({"energy_ev": 1.0}, OutOfRangeError, "12800 to 13700 eV"),
        ({"delay_ps": math.inf}, InputError, "delay_ps = inf"),
        ({"dwell_s": -1.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"repeats": True}, InputError, "1 to 10000"),
        ({"shutter_reference": "never"}, InputError, "'none', 'point', 'scan'"),
        ({"approach": "above"}, InputError, "'below', 'direct'"),
    ],
)
def test_bad_input_moves_nothing(
    recorded: RecordedRuns, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        recorded.run(plans.fluence_scan(recorded.line, options.pop("edge", "Br K"), **options))
    recorded.assert_untouched()


def test_a_weak_laser_refuses_what_it_cannot_give(recorded: RecordedRuns) -> None:
    recorded.line.fluence.calibration = AttenuatorCalibration(maximum_mj_cm2=10.0, zero_deg=3.2)
    with pytest.raises(OutOfRangeError, match=r"0 to 10 mJ/cm2.*calibrate_attenuator"):
        recorded.run(plans.fluence_scan(recorded.line, "Br K"))
    recorded.assert_untouched()


def test_the_fit_finds_maximum_zero_and_leak_with_honest_errors() -> None:
    """100 noisy calibrations: pulls have mean 0 and width 1 (4 standard errors: one false alarm in 16 000 each)."""
    rng = np.random.default_rng(5)
    angles = np.arange(0.0, 51.0, 2.5)
    law = 0.002 + 0.3 * np.sin(2 * np.radians(angles - 3.2)) ** 2
    pulls = []
    for _ in range(100):
        fit = fit_attenuator(angles, law + 1e-3 * rng.standard_normal(angles.size))
        pulls.append(
            [
                (fit.maximum_w - 0.3) / fit.maximum_sigma_w,
                (fit.zero_deg - 3.2) / fit.zero_sigma_deg,
                (fit.leak_w - 0.002) / fit.leak_sigma_w,
            ]
        )
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.4
    # Errors come from the scatter of 18 degrees of freedom: t-distributed, 1.06 wide.
    np.testing.assert_allclose(np.std(pulls, axis=0), 1.06, atol=0.3)


def test_the_zero_is_the_one_nearest_to_the_known_one() -> None:
    angles = np.arange(0.0, 51.0, 5.0)
    powers = np.sin(2 * np.radians(angles - 3.2)) ** 2
    assert fit_attenuator(angles, powers).zero_deg == pytest.approx(3.2)
    assert fit_attenuator(angles, powers, near_deg=90.0).zero_deg == pytest.approx(93.2)


@pytest.mark.parametrize(
    ("angles", "powers", "error", "message"),
    [
        ([0, 1, 2], [1, 2, 3], InputError, "at least 4 different angles"),
        ([0, 1, 2, 3], [1, 2, 3], InputError, "equal numbers"),
        ([0, 1, 2, math.nan], [1, 2, 3, 4], InputError, "finite"),
        ([0, 10, 20, 30, 40], [0, 0, 0, 0, 0], ReductionError, "laser is on"),
        ([0, 10, 20, 30, 40], [1e-4, -2e-4, 1e-4, 0, -1e-4], ReductionError, "do not determine"),
    ],
)
def test_a_calibration_that_determines_nothing_is_refused(
    angles: list[Any], powers: list[Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fit_attenuator(angles, powers)


def test_calibration_sets_the_fluence_axis_and_is_written_down(recorded: RecordedRuns) -> None:
    recorded.hardware.laser_w, recorded.hardware.laser_zero_deg = 0.25, 4.0
    found = recorded.run(plans.calibrate_attenuator(recorded.line, readings=3))
    area_cm2, rate_hz = math.pi / 4 * 50e-4 * 45e-4, 1e12 / 767_000
    assert found.maximum_mj_cm2 == pytest.approx(0.25 / rate_hz / area_cm2 * 1e3, rel=1e-3)
    assert found.zero_deg == pytest.approx(4.0, abs=0.01)
    assert found.maximum_sigma_mj_cm2 > 0
    assert recorded.line.fluence.calibration == found
    assert recorded.moved("waveplate")[-1] == 3.2
    assert recorded.line.laser_shutter.position == "closed"
    assert [event["waveplate"] for event in recorded.events] == pytest.approx(list(range(0, 51, 4)))
    recorded.run(plans.fluence_scan(recorded.line, "Br K", fluences_mj_cm2=[5.0], dwell_s=1.0))
    assert recorded.starts[-1]["attenuator"]["maximum_mj_cm2"] == found.maximum_mj_cm2
    assert recorded.starts[0]["uid"] in recorded.starts[-1]["attenuator"]["source"]
    angle = math.radians(recorded.moved("fluence")[-1] - 4.0)
    assert found.maximum_mj_cm2 * math.sin(2 * angle) ** 2 == pytest.approx(5.0, rel=1e-3)


def test_a_calibration_can_be_looked_at_without_being_used(recorded: RecordedRuns) -> None:
    before = recorded.line.fluence.calibration
    found = recorded.run(plans.calibrate_attenuator(recorded.line, apply=False))
    assert found != before
    assert recorded.line.fluence.calibration == before


def test_no_laser_keeps_the_old_calibration(recorded: RecordedRuns) -> None:
    before = recorded.line.fluence.calibration
    recorded.hardware.laser_w = 0.0
    with pytest.raises(ReductionError, match="laser"):
        recorded.run(plans.calibrate_attenuator(recorded.line))
    assert recorded.line.fluence.calibration == before
    assert recorded.moved("waveplate")[-1] == 3.2


def test_a_silent_power_meter_ends_with_its_name(recorded: RecordedRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.detectors.power_meter.READING_TIMEOUT_S", 0.0)
    monkeypatch.setattr("devices.detectors.power_meter.MARGIN_S", 0.05)
    recorded.hardware.meter_readings = 2
    with pytest.raises(StatusTimeoutError, match="7idd:laser:PowerAI"):
        recorded.run(plans.calibrate_attenuator(recorded.line))
    assert [stop["exit_status"] for stop in recorded.stops] == ["fail"]
    assert recorded.moved("waveplate")[-1] == 3.2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"angles_deg": [0, 10, 20]}, InputError, "at least 4 angles"),
        ({"angles_deg": [0, 10, 20, 60]}, OutOfRangeError, "0 to 50 deg"),
        ({"angles_deg": [20, 10, 5, 0]}, InputError, "ascend"),
        ({"readings": 1}, InputError, "2 to 1000"),
        ({"readings": 2.5}, InputError, "2 to 1000"),
    ],
)
def test_a_bad_calibration_moves_nothing(
    recorded: RecordedRuns, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        recorded.run(plans.calibrate_attenuator(recorded.line, **options))
    recorded.assert_untouched()


def test_a_missing_power_meter_moves_nothing(recorded: RecordedRuns) -> None:
    assert recorded.line.power_meter is not None
    recorded.line.power_meter.power.answers = False
    with pytest.raises(NotConnectedError, match="PowerAI"):
        recorded.run(plans.calibrate_attenuator(recorded.line))
    recorded.assert_untouched()


@pytest.mark.parametrize("numbers", [(0.0, 3.0), (-1.0, 3.0), (math.nan, 3.0), (1.0, math.inf)])
def test_no_attenuator_is_like_that(numbers: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="Calibrate again"):
        AttenuatorCalibration(maximum_mj_cm2=numbers[0], zero_deg=numbers[1])


def test_a_run_states_what_the_probed_spot_has_of_its_fluence(recorded: RecordedRuns) -> None:
    """Lost: 0.69 between the fluence that is quoted and the one that the X-rays see."""
    line = recorded.line
    recorded.run(plans.fluence_scan(line, "Br K", fluences_mj_cm2=[1.0, 2.0], dwell_s=1.0))
    # A Gaussian integrated by hand, over laser of 50 x 45 um and X-rays of 5 um: independent of the formula.
    x, y = np.meshgrid(np.linspace(-100, 100, 801), np.linspace(-100, 100, 801))

    def spot(width_um: float, height_um: float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-4 * np.log(2) * ((x / width_um) ** 2 + (y / height_um) ** 2)))

    laser, rays = spot(50.0, 45.0), spot(5.0, 5.0)
    per_area = laser / (laser.sum() * 0.25**2)
    expected = float((per_area * rays).sum() / rays.sum()) * np.pi / 4 * 50.0 * 45.0
    assert recorded.starts[0]["probed_fluence_share"] == pytest.approx(expected, rel=1e-4)
    assert expected == pytest.approx(0.685, abs=0.001)
