"""If these fail, the laser spot goes where nobody sent it."""

from __future__ import annotations

import math

import pytest

from errors import InputError, MotionError, OutOfRangeError
from tests.support.fake_beamline import FakeHardware
from tests.support.waiting import WAIT_S


def test_both_mirrors_move_in_um_on_the_sample() -> None:
    hardware = FakeHardware()
    for name in ("horizontal", "vertical"):
        axis = hardware.beamline.axes[f"pointing_{name}_um"]
        axis.set(-12.5).wait(timeout=WAIT_S)
        assert axis.position == -12.5
        assert axis.describe()[axis.name]["units"] == "um"
    assert hardware.moves == [("horizontal", -12.5), ("vertical", -12.5)]


@pytest.mark.parametrize(("value", "error"), [(201.0, OutOfRangeError), (math.nan, InputError), ("left", InputError)])
def test_outside_the_limits_nothing_moves(value: object, error: type[Exception]) -> None:
    hardware = FakeHardware()
    with pytest.raises(error):
        hardware.beamline.axes["pointing_vertical_um"].set(value)  # type: ignore[arg-type]
    assert hardware.moves == []


def test_a_mirror_that_stops_short_is_an_error() -> None:
    mirror = FakeHardware().beamline.pointing_horizontal
    assert mirror is not None
    mirror.setpoint.on_put = lambda value: None
    with pytest.raises(MotionError, match=r"7idd:m31\.RBV"):
        mirror.set(20.0).wait(timeout=WAIT_S)


def test_stop_stops_the_motor() -> None:
    mirror = FakeHardware().beamline.pointing_horizontal
    assert mirror is not None
    mirror.stop()
    assert mirror.halt.get() == 1
