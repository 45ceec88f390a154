"""If these fail, the last value of a lost device is taken for a measurement, and its points are averaged."""

from __future__ import annotations

import math
from typing import Any

import pytest

from devices.exposure.conditions import CONDITIONS
from devices.exposure.life_cycle import ExposureTargets
from devices.signals.uncached_signal import COMM, INVALID, PvReading, read_together
from errors import AcquisitionError, InvalidReadingError, NotConnectedError
from tests.support.exposures import trigger_and_wait
from tests.support.fake_beamline import FakeHardware

READ_ALARM = 1


@pytest.mark.parametrize(
    ("severity", "status", "valid"),
    [(0, 0, True), (1, 5, True), (2, 3, True), (INVALID, COMM, False), (INVALID, 17, False), (2, COMM, False)],
)
def test_only_invalid_and_comm_are_no_measurements(severity: int, status: int, valid: bool) -> None:
    assert PvReading(240.0, severity, status).valid == valid


@pytest.mark.parametrize(("device", "signal", "name"), [
    ("surroundings", "ring_current", "ring_current"),
    ("surroundings", "xray_shutter", "xray_shutter"),
    ("surroundings", "jet_flow", "jet_flow"),
    ("surroundings", "jet_temperature", "jet_temperature"),
    ("laser", "lock", "laser_lock"),
    ("laser", "rate_divider", "laser_rate_divider"),
])  # fmt: skip
@pytest.mark.parametrize("monitored", [True, False])
def test_a_condition_whose_record_is_invalid_fails(device: str, signal: str, name: str, *, monitored: bool) -> None:
    """By the monitor in the middle of an exposure, and in the value requested at its end."""
    line = FakeHardware().beamline
    watched: Any = getattr(getattr(line, device), signal)
    watch = line.point.conditions.watch(CONDITIONS)
    watch.begin()
    if monitored:
        watched.set_alarm(INVALID, COMM)
        watched.set_alarm(0, 0)
        failed = watch.end({})
    else:
        failed = watch.end({name: PvReading(watched.get(), INVALID, COMM)})
    assert set(failed) == {name}
    assert "is not known" in watch.remark(name, failed[name])
    assert watched.pvname in watch.remark(name, failed[name])


def test_an_event_of_a_frozen_jet_is_bad_and_gives_no_flow() -> None:
    line = FakeHardware().beamline
    line.exposure.prepare(1.0)
    line.surroundings.jet_flow.set_alarm(INVALID, COMM)
    line.point.arm(ExposureTargets())
    trigger_and_wait(line.point)
    event = line.point.read()
    assert event["quality"]["value"] == "jet_flow"
    assert math.isnan(event["jet_flow_ml_min"]["value"])


def test_an_axis_whose_read_back_is_invalid_is_astray_and_has_no_position() -> None:
    line = FakeHardware().beamline
    line.exposure.prepare(1.0)
    here = line.energy.position
    line.point.arm(ExposureTargets(positions={"energy_ev": here}))
    trigger_and_wait(line.point)
    line.energy.readback.set_alarm(INVALID, READ_ALARM)
    assert line.point.read()["quality"]["value"] == "energy"
    with pytest.raises(InvalidReadingError, match=r"7ida:BraggERdbkAO is in INVALID alarm \(READ\)"):
        _ = line.energy.position
    with pytest.raises(InvalidReadingError):
        line.energy.set(here).wait(timeout=5)


def test_frames_of_a_detector_that_is_gone_are_no_exposure() -> None:
    line = FakeHardware().beamline
    line.exposure.prepare(1.0)
    line.point.arm(ExposureTargets())
    trigger_and_wait(line.point)
    line.exposure.boxcar_frame.set_alarm(INVALID, COMM)
    with pytest.raises((AcquisitionError, NotConnectedError), match="7idb:boxcar:Frame is in INVALID alarm"):
        line.point.read()


def test_what_is_read_together_is_valid_or_named() -> None:
    """An error that every wait for lost PVs knows: it is a NotConnectedError."""
    line = FakeHardware().beamline
    line.surroundings.ring_current.set_alarm(INVALID, COMM)
    with pytest.raises(NotConnectedError, match=r"S:SRcurrentAI is in INVALID alarm \(COMM\): its value 102"):
        read_together({"ring": line.surroundings.ring_current})
    assert line.silent([line.energy]) == []
    line.energy.readback.set_alarm(INVALID, COMM)
    assert line.silent([line.energy]) == ["7ida:BraggERdbkAO"]


def test_a_minor_alarm_is_still_a_measurement() -> None:
    """A flow near its low limit is in LOW alarm and as good as before."""
    line = FakeHardware().beamline
    line.surroundings.jet_flow.set_alarm(1, 6)
    assert line.point.conditions.failing(CONDITIONS) == []
