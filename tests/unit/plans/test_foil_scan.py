"""If these fail, energies are wrong by what the foil should have shown, or nobody can tell how they were corrected."""

from __future__ import annotations

import math
from typing import Any

import pytest

import plans
from errors import InputError, OutOfRangeError
from tests.support.recorded_runs import RecordedRuns
from tests.support.waiting import WAIT_S


def test_delay_and_fluence_stay_where_they_are(recorded: RecordedRuns) -> None:
    recorded.run(plans.foil_scan(recorded.line, regions_ev=[(13_030, 13_040, 5)]))
    assert {name for name, _ in recorded.hardware.moves} == {"energy", "laser_shutter", "dwell"}
    assert recorded.starts[0]["delay_ps"] == pytest.approx(recorded.line.delay.position)


def test_calibration_shifts_the_axis_not_the_monochromator(recorded: RecordedRuns) -> None:
    energy = recorded.line.energy
    assert recorded.run(plans.apply_energy_calibration(recorded.line, 0.7)) == pytest.approx(0.7)
    assert recorded.hardware.moves == []
    assert energy.position == pytest.approx(13_450.7)
    energy.set(13_472.0).wait(timeout=WAIT_S)
    assert recorded.moved("energy") == pytest.approx([13.471_3])
    assert energy.position == pytest.approx(13_472.0)


def test_calibrations_add_up_and_are_written_down(recorded: RecordedRuns) -> None:
    for offset_ev in (0.5, -0.2):
        recorded.run(plans.apply_energy_calibration(recorded.line, offset_ev))
    recorded.run(plans.foil_scan(recorded.line, regions_ev=[(13_030, 13_040, 5)]))
    assert recorded.starts[0]["energy_calibration_offset_ev"] == pytest.approx(0.3)
    assert [event["energy_ev"] for event in recorded.events] == pytest.approx([13_030, 13_035, 13_040])


def test_limits_are_those_of_the_calibrated_axis(recorded: RecordedRuns) -> None:
    recorded.run(plans.apply_energy_calibration(recorded.line, 5.0))
    recorded.line.energy.setpoint.limits_of_record = (12.8, 13.7)
    recorded.line.energy.configure({"approach": "direct"})
    with pytest.raises(OutOfRangeError, match="7ida:BraggEAO"):
        recorded.line.energy.set(12_801.0)
    with pytest.raises(OutOfRangeError, match="12800 to 13700 eV"):
        recorded.line.energy.set(13_701.0)


def test_the_error_of_a_calibration_is_written_down_and_ends_with_it(recorded: RecordedRuns) -> None:
    """An offset typed later must not keep the error of the fit before."""
    for offset_ev, error_ev in ((0.5, 0.6), (-0.2, 0.0)):
        recorded.run(plans.apply_energy_calibration(recorded.line, offset_ev, error_ev))
        recorded.run(plans.foil_scan(recorded.line, regions_ev=[(13_030, 13_040, 5)]))
        assert recorded.starts[-1]["energy_calibration_error_ev"] == error_ev
    recorded.line.energy.configure({"calibration_error_ev": 0.3})
    recorded.line.energy.configure({"calibration_offset_ev": 0.1})
    assert recorded.line.energy.calibration_error_ev == 0.0
    with pytest.raises(InputError, match="0 "):
        recorded.line.energy.configure({"calibration_error_ev": -1.0})


def test_the_run_records_what_its_foil_is_compared_with(recorded: RecordedRuns) -> None:
    """A run is reduced alone, years later, by what was known of foils when it was measured."""
    recorded.run(plans.foil_scan(recorded.line, regions_ev=[(13_030, 13_040, 5)]))
    assert recorded.starts[0]["foil_reference"] == recorded.line.foils.of("Pb L3")


def test_without_an_offset_only_a_session_can_calibrate(recorded: RecordedRuns) -> None:
    with pytest.raises(InputError, match="only a session"):
        recorded.run(plans.apply_energy_calibration(recorded.line))


@pytest.mark.parametrize(
    ("offset_ev", "error", "message"),
    [
        (math.nan, InputError, "not a finite number"),
        (True, InputError, "not a finite number"),
        ("1", InputError, "not a finite number"),
        (25.0, OutOfRangeError, "-20 to 20 eV"),
        (-12.0, OutOfRangeError, "-20 to 20 eV"),
    ],
)
def test_a_bad_offset_changes_nothing(
    recorded: RecordedRuns, offset_ev: Any, error: type[Exception], message: str
) -> None:
    recorded.line.energy.calibration_offset_ev = -10.0
    with pytest.raises(error, match=message):
        recorded.run(plans.apply_energy_calibration(recorded.line, offset_ev))
    assert recorded.line.energy.calibration_offset_ev == -10.0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"regions_ev": []}, InputError, "empty"),
        ({"regions_ev": [(12_000, 12_100, 10)]}, OutOfRangeError, "12800 to 13700 eV"),
        ({"dwell_s": 0.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"repeats": 0}, InputError, "1 to 10000"),
        ({"approach": "above"}, InputError, "'below', 'direct'"),
    ],
)
def test_bad_input_moves_nothing(
    recorded: RecordedRuns, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        recorded.run(plans.foil_scan(recorded.line, **options))
    recorded.assert_untouched()
