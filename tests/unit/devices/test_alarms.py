"""If these fail, the last value of a lost device is taken for a measurement, and its points are averaged."""

from __future__ import annotations

import math
from typing import Any

import pytest

from devices.exposure.condition_limits import BEAM, CONDITIONS
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


def expose(line: Any, needed: frozenset[str] = CONDITIONS) -> dict[str, Any]:
    """Return the event of one exposure in which the `needed` conditions must hold."""
    line.exposure.prepare(1.0)
    line.point.start_run(needed)
    line.point.arm(ExposureTargets())
    trigger_and_wait(line.point)
    return {name: item["value"] for name, item in line.point.read().items()}


def numbers_of(event: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in event.items() if isinstance(value, float | int)}


def test_an_event_of_a_frozen_jet_is_bad_and_marks_the_flow_as_the_last_one_known() -> None:
    """Lost: the run's reader, which would meet a NaN among the data, or take the last flow for a measurement."""
    line = FakeHardware().beamline
    line.surroundings.jet_flow.set_alarm(INVALID, COMM)
    event = expose(line)
    assert (event["quality"], event["marks"]) == ("jet_flow", "jet_flow_ml_min_invalid")
    assert event["jet_flow_ml_min"] == 240.0
    assert line.point.remarks["jet_flow"].startswith(
        "jet_flow is not known (7idd:jet:FlowAI is in INVALID alarm), needs at least"
    )


def test_a_record_that_no_condition_needs_is_marked_in_a_good_event() -> None:
    """Lost: the knowledge that the flow noted beside a good foil scan was nobody's measurement."""
    line = FakeHardware().beamline
    line.surroundings.jet_flow.set_alarm(INVALID, COMM)
    line.fluence.angle_readback.set_alarm(INVALID, READ_ALARM)
    event = expose(line, BEAM)
    assert event["quality"] == ""
    assert event["marks"].split(",") == ["fluence_mj_cm2_invalid", "jet_flow_ml_min_invalid"]
    assert all(math.isfinite(number) for number in numbers_of(event).values())
    assert expose(FakeHardware().beamline)["marks"] == ""


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("severity", [0, INVALID])
def test_a_record_that_serves_no_number_leaves_no_event(value: float, severity: int) -> None:
    """Lost: the rule that no NaN is ever stored, by a calc record whose input is gone."""
    line = FakeHardware().beamline
    line.surroundings.jet_flow.sim_put(value)
    line.surroundings.jet_flow.set_alarm(severity, 0)
    with pytest.raises(AcquisitionError, match=f"7idd:jet:FlowAI shows {value:g} .*which cannot be stored"):
        expose(line, BEAM)


def test_an_axis_whose_read_back_is_invalid_is_astray_and_has_no_position() -> None:
    line = FakeHardware().beamline
    line.exposure.prepare(1.0)
    here = line.energy.position
    line.point.arm(ExposureTargets(positions={"energy_ev": here}))
    trigger_and_wait(line.point)
    line.energy.readback.set_alarm(INVALID, READ_ALARM)
    event = line.point.read()
    assert (event["quality"]["value"], event["marks"]["value"]) == ("energy", "energy_ev_invalid")
    assert event["energy_ev"]["value"] == here
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
