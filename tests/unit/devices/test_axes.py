"""If these fail, an axis moves where it must not, or reports its arrival where it did not arrive."""

from __future__ import annotations

import math

import pytest
from ophyd.utils import StatusTimeoutError

from errors import InputError, MotionError, NotConnectedError, OutOfRangeError
from tests.support.fake_beamline import FakeHardware
from tests.support.waiting import WAIT_S


def test_fine_delay_never_enters_the_range_where_it_jumps() -> None:
    """Below 2560 ps the real phase shifter jumped by 40 ps."""
    hardware = FakeHardware()
    for delay_ps in range(-2000, 2001, 7):
        hardware.beamline.delay.set(delay_ps).wait(timeout=WAIT_S)
    fine = [value for name, value in hardware.moves if name == "delay_fine"]
    assert min(fine) >= 2560


def test_delay_owns_the_raw_axes_and_time_zero() -> None:
    hardware = FakeHardware()
    hardware.beamline.delay.set(100.0).wait(timeout=WAIT_S)
    raw_ps = hardware.beamline.delay.coarse_readback.get() * 1e12 + hardware.beamline.delay.fine_readback.get()
    assert raw_ps == pytest.approx(169_880.0)
    assert hardware.beamline.delay.position == pytest.approx(100.0)


def test_fluence_is_what_the_plate_lets_through() -> None:
    hardware = FakeHardware()
    hardware.beamline.fluence.set(7.0).wait(timeout=WAIT_S)
    angle_deg = hardware.beamline.fluence.angle_readback.get()
    assert 14.0 * math.sin(2 * math.radians(angle_deg - 3.2)) ** 2 == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("axis", "value", "limits"),
    [
        ("energy", 12_000.0, "12800 to 13700 eV"),
        ("delay", 5e5, "-100000 to 200000 ps"),
        ("fluence", 20.0, "0 to 12.5 mJ/cm2"),
        ("fluence", -1.0, "0 to 12.5 mJ/cm2"),
    ],
)
def test_outside_the_limits_nothing_moves(axis: str, value: float, limits: str) -> None:
    hardware = FakeHardware()
    with pytest.raises(OutOfRangeError, match=limits):
        getattr(hardware.beamline, axis).set(value)
    assert hardware.moves == []


@pytest.mark.parametrize("value", [math.nan, math.inf, "fast", None, True])
def test_what_is_no_number_does_not_move(value: object) -> None:
    hardware = FakeHardware()
    with pytest.raises(InputError, match="not a finite number"):
        hardware.beamline.energy.set(value)  # type: ignore[arg-type]
    assert hardware.moves == []


def test_limits_of_the_record_count_too() -> None:
    """Somebody narrowed the motor's own limits: the error comes before the put, and names the PV."""
    hardware = FakeHardware()
    hardware.beamline.fluence.angle.limits_of_record = (0.0, 10.0)
    with pytest.raises(OutOfRangeError, match="7idd:m21"):
        hardware.beamline.fluence.set(12.0)
    assert hardware.moves == []


def test_an_axis_that_stops_short_is_an_error_not_a_point() -> None:
    hardware = FakeHardware()
    hardware.energy_error_kev = 0.001
    status = hardware.beamline.energy.set(13_472.0)
    with pytest.raises(MotionError, match=r"sent to 13472 eV and stopped at 13473 eV.*7ida:BraggERdbkAO"):
        status.wait(timeout=WAIT_S)


def test_a_read_back_that_is_gone_fails_the_move() -> None:
    hardware = FakeHardware()
    hardware.beamline.energy.readback.answers = False
    with pytest.raises(NotConnectedError, match="7ida:BraggERdbkAO"):
        hardware.beamline.energy.set(13_472.0).wait(timeout=WAIT_S)


def test_a_move_that_never_ends_times_out() -> None:
    hardware = FakeHardware()
    energy = hardware.beamline.energy
    energy.timeout_s = 0.05
    energy.setpoint.put = lambda *args, **kwargs: None
    with pytest.raises(StatusTimeoutError, match=r"energy to 13472 eV \(waiting for 7ida:BraggEAO\)"):
        energy.set(13_472.0).wait(timeout=WAIT_S)


def test_shutter_reports_open_only_when_it_is() -> None:
    hardware = FakeHardware()
    shutter = hardware.beamline.laser_shutter
    shutter.set("open").wait(timeout=WAIT_S)
    assert shutter.position == "open"
    shutter.setpoint.on_put = lambda value: None
    with pytest.raises(MotionError, match="laser:rbv"):
        shutter.set("closed").wait(timeout=WAIT_S)
    with pytest.raises(InputError, match='"open" or "closed"'):
        shutter.set("ajar")
