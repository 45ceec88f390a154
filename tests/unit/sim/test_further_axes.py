"""If these fail, a session with an axis of the user's own cannot be tried in simulation."""

from __future__ import annotations

import asyncio
import json

import pytest

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.further_axes import Positioner, axis_group, parse_axis
from sim.ioc.motor import MotorGroup

MAGNET = {
    "unit": "T", "low": -5.0, "high": 5.0, "setpoint": "m:B", "readback": "m:BR", "stop": "m:Stop", "done": "m:Done"
}  # fmt: skip


def magnet(speed: float) -> Positioner:
    """Return the magnet at a speed of the clock, in seconds of beam per second of wall time."""
    group = axis_group(parse_axis(json.dumps(MAGNET)), macro="x:", clock=BeamClock(speed))
    assert isinstance(group, Positioner)
    return group


def test_its_records_have_the_names_of_the_configuration() -> None:
    """Lost: a session that waits for PVs nobody serves."""
    assert set(magnet(1.0).pvdb) == {"x:m:B", "x:m:BR", "x:m:Stop", "x:m:Done"}
    motor = axis_group(
        parse_axis('{"unit": "mm", "low": 1, "high": 3, "motor": "m:1"}'), macro="x:", clock=BeamClock(1.0)
    )
    assert isinstance(motor, MotorGroup)
    assert motor.position == 1.0, "0 is out of reach, so it begins at the nearest limit"


def test_a_put_completes_at_the_target() -> None:
    """Lost: exposures while the axis still moves."""
    group = magnet(1e4)
    asyncio.run(group.move(2.0))
    assert (group.readback.value, group.done.value) == (2.0, 1)


def test_a_stop_leaves_it_where_it_is() -> None:
    """Lost: the stop of a plan that is aborted."""
    group = magnet(10.0)

    async def stopped() -> None:
        move = asyncio.create_task(group.move(5.0))
        await asyncio.sleep(0)
        await group.halt()
        await move

    asyncio.run(stopped())
    assert group.readback.value < 5.0
    assert group.done.value == 1


def test_a_target_out_of_range_is_refused() -> None:
    """Lost: a simulated axis that goes where the real one cannot."""
    with pytest.raises(SimulationInputError, match="m:B = 6 T: give -5 to 5 T"):
        asyncio.run(magnet(1.0).move(6.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "give a JSON object"),
        ('{"unit": "T"}', "give high, low, unit"),
        ('{"unit": "T", "low": 0, "high": 1}', "either motor, or setpoint and readback"),
        ('{"unit": "T", "low": 1, "high": 1, "motor": "m:1"}', "low must be less than high"),
    ],
)
def test_a_wrong_axis_is_refused(text: str, message: str) -> None:
    """Lost: the reason, to a traceback of the server."""
    with pytest.raises(SimulationInputError, match=message):
        parse_axis(text)
