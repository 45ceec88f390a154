"""If these fail, a motor that is blocked holds up a night without a word, with the beam on the sample."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from devices.axes import axis
from errors import AcquisitionError, MotionError
from plans.engine import arriving
from plans.engine.attempts import Attempts
from tests.support.recorded_scans import RecordedScans
from trxas.results.run_report import run_facts


class BlockedMotor:
    """The motor of the energy axis, whose record does not report the end of a move while `is_blocked`."""

    def __init__(self, recorded: RecordedScans) -> None:
        self.is_blocked = True
        self.sent: list[float] = []
        self._signal: Any = recorded.hardware.beamline.energy.setpoint
        self._put = self._signal.put
        self._waiting: list[Any] = []
        self._signal.put = self.put

    def put(self, value: float, **options: Any) -> None:
        self.sent.append(value)
        if self.is_blocked:
            self._waiting.append((value, options))
        else:
            self._put(value, **options)

    def free(self) -> None:
        self.is_blocked = False
        value, options = self._waiting.pop()
        self._put(value, **options)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedScans]:
    monkeypatch.setattr(arriving, "LOOK_S", 0.01)
    monkeypatch.setattr(axis, "READBACK_LAG_S", 0.01)
    with RecordedScans() as runs:
        yield runs


def test_an_axis_that_stands_still_suspends_the_run_until_it_has_arrived(recorded: RecordedScans) -> None:
    motor = BlockedMotor(recorded)

    def free(_: str, doc: dict[str, Any]) -> None:
        if doc["data"].get("suspended") and motor.is_blocked:
            motor.free()

    recorded.engine.subscribe(free, "event")
    recorded.energy_scan()
    begun, ended = recorded.suspensions
    assert "energy has stood at 13450 eV" in begun["reason"]
    assert "on its way to 13460 eV, through 7ida:BraggEAO" in begun["reason"]
    assert (begun["suspended"], ended["suspended"]) == (1, 0)
    assert [event["point_index"] for event in recorded.exposures] == [0, 1, 2]
    assert run_facts(recorded.documents)["exposures"] == {"intended": 3, "by_quality": {"": 3}}
    # Closed while it stood, open for the exposures.
    assert recorded.moved("xray_shutter") == [0, 1]


def test_a_motor_that_stays_blocked_ends_the_run_after_the_time_of_retries(recorded: RecordedScans) -> None:
    """Lost: twelve time-outs of a motor one after the other, which is 36 min at the monochromator."""
    line = recorded.hardware.beamline
    quality = replace(line.configuration.quality, attempts=12, retry_s=0.1)
    recorded.line = replace(line, configuration=replace(line.configuration, quality=quality))
    line.energy.timeout_s = 0.08
    motor = BlockedMotor(recorded)
    with pytest.raises(MotionError, match=r"could not be reached in 2 attempts .*has not ended within 0.08 s"):
        recorded.energy_scan()
    assert len(motor.sent) == 2
    assert recorded.exposures == []
    assert "resume_run" in recorded.of("stop")["reason"]


def test_long_exposures_that_fail_are_no_motor_that_is_stuck(recorded: RecordedScans) -> None:
    """Lost: a night of 400 s per point, to two exposures during which a PV did not answer."""
    line = recorded.hardware.beamline
    quality = replace(line.configuration.quality, attempts=4, retry_s=1e-3)
    attempts = Attempts(replace(line, configuration=replace(line.configuration, quality=quality)), "Point 0")
    attempts.arrived()
    for _ in range(3):
        list(attempts.failed("a PV did not answer", AcquisitionError("a PV did not answer")))
    with pytest.raises(AcquisitionError, match="did not answer"):
        list(attempts.failed("a PV did not answer", AcquisitionError("a PV did not answer")))


def test_light_stays_off_the_sample_while_a_move_is_repeated(
    recorded: RecordedScans, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: the sample, in the beam during the time-outs of a motor that stops short."""
    hardware = recorded.hardware
    seen: list[tuple[float, str]] = []

    def stop_short_twice(kev: float) -> None:
        seen.append((kev, hardware.beamline.xray_shutter.position))
        hardware.energy_error_kev = 0.001 if len(seen) <= 2 else 0.0
        hardware._move_energy(kev)

    hardware.beamline.energy.setpoint.on_put = stop_short_twice
    with caplog.at_level(logging.WARNING, "trxas.plans"):
        recorded.energy_scan()
    assert [place for _, place in seen[:4]] == ["open", "open", "closed", "open"]
    assert [one["suspended"] for one in recorded.suspensions] == [1, 0]
    assert [event["point_index"] for event in recorded.exposures] == [0, 1, 2]
    assert "Suspended: energy was sent to 13460 eV and stopped at 13461 eV" in caplog.text
