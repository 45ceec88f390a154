"""If these fail, another client changes a motor's limits, calibration or mode, and nobody knows why a scan fails."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from errors import MotionError, OutOfRangeError
from tests.support.fake_beamline import FakeHardware


@pytest.fixture
def fluence() -> Any:
    axis = FakeHardware().beamline.fluence
    axis.motor.high.sim_put(50.0)
    axis.motor.low.sim_put(0.0)
    axis.motor.follow_changes()
    return axis


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("high", 4.0, r"7idd:m21\.HLM was changed by another client from 50 to 4 while"),
        ("low", 3.0, r"7idd:m21\.LLM was changed by another client from 0 to 3 while"),
        ("offset", 1.5, r"7idd:m21\.OFF was changed by another client from 0 to 1\.5 while"),
        ("direction", 1, r"7idd:m21\.DIR was changed by another client from Pos to Neg while"),
        ("mode", 0, r"7idd:m21\.SPMG was changed by another client from Go to Stop while"),
    ],
)
def test_every_change_is_logged_with_field_and_both_values(
    fluence: Any, caplog: pytest.LogCaptureFixture, field: str, value: float, message: str
) -> None:
    with caplog.at_level(logging.WARNING, logger="trxas.devices"):
        getattr(fluence.motor, field).sim_put(value)
    assert len(caplog.records) == 1
    assert re.search(message, caplog.text)


def test_narrowed_limits_refuse_the_move_and_say_what_changed(fluence: Any) -> None:
    fluence.motor.high.sim_put(4.0)
    with pytest.raises(OutOfRangeError, match=r"outside 0 to 4\. 7idd:m21\.HLM changed from 50 to 4"):
        fluence.set(8.0)


def test_widened_limits_are_used_at_once(fluence: Any) -> None:
    """Lost: a restart of the session because somebody has widened a limit as asked."""
    fluence.motor.high.sim_put(4.0)
    with pytest.raises(OutOfRangeError):
        fluence.set(8.0)
    fluence.motor.high.sim_put(50.0)
    fluence.set(8.0).wait(timeout=5)


@pytest.mark.parametrize(("field", "value", "change"), [
    ("offset", 1.5, r"OFF changed from 0 to 1\.5"), ("direction", 1, "DIR changed from Pos to Neg"),
])  # fmt: skip
def test_a_changed_calibration_stops_moves_until_it_is_set_back(
    fluence: Any, field: str, value: float, change: str
) -> None:
    """Lost: a run at another fluence than it states."""
    signal = getattr(fluence.motor, field)
    signal.sim_put(value)
    with pytest.raises(MotionError, match=change):
        fluence.set(8.0)
    signal.sim_put(0)
    fluence.set(8.0).wait(timeout=5)


@pytest.mark.parametrize(("mode", "word"), [(0, "Stop"), (1, "Pause")])
def test_a_motor_in_a_mode_that_does_not_move_is_named(fluence: Any, mode: int, word: str) -> None:
    fluence.motor.mode.sim_put(mode)
    with pytest.raises(MotionError, match=rf"7idd:m21\.SPMG is {word}, .* set it to Go"):
        fluence.set(8.0)


def test_the_bragg_motor_is_watched_behind_the_energy() -> None:
    energy: Any = FakeHardware().beamline.energy
    energy.motor_fields.follow_changes()
    energy.motor_fields.mode.sim_put(1)
    with pytest.raises(MotionError, match=r"7ida:m1\.SPMG is Pause"):
        energy.set(13_440.0)


def test_limits_of_another_record_are_requested_before_they_forbid() -> None:
    """Control limits come with the connection; somebody may have widened them since."""
    energy: Any = FakeHardware().beamline.energy
    energy.setpoint.limits_of_record = (13.0, 13.2)
    energy.setpoint.fresh_limits = lambda: (13.0, 13.6)
    energy.set(13_300.0).wait(timeout=5)
    energy.setpoint.fresh_limits = lambda: (13.0, 13.2)
    with pytest.raises(OutOfRangeError, match=r"7ida:BraggEAO = 13\.5 .* outside 13 to 13\.2"):
        energy.set(13_500.0)


def test_a_move_that_stops_at_narrower_limits_reports_that_they_changed() -> None:
    hardware = FakeHardware()
    energy: Any = hardware.beamline.energy
    energy.setpoint.limits_of_record = (12.0, 14.0)
    energy.setpoint.fresh_limits = lambda: (12.0, 13.2)
    hardware.energy_error_kev = -0.1
    with pytest.raises(MotionError, match=r"limits of 7ida:BraggEAO changed from 12 \.\. 14 to 12 \.\. 13\.2"):
        energy.set(13_400.0).wait(timeout=5)
