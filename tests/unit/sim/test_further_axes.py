"""If these fail, a session with an axis of the user's own cannot be tried in simulation."""

from __future__ import annotations

import asyncio
import json

import pytest

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.experiment import BuildOptions
from sim.ioc.records.further_axes import Positioner, axis_group, parse_axis
from sim.ioc.records.motor import MotorGroup
from sim.ioc.xas.beamline import SimulatedBeamline
from sim.physics.sample_file import load_sample
from tests.support.waiting import WAIT_S

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


@pytest.mark.parametrize("target", [0.3, -0.7, 0.1])
def test_a_put_completes_where_sums_are_rounded(target: float) -> None:
    """Lost: a plan that waits for ten minutes, as 1 + (0.3 - 1) is not 0.3."""
    group = magnet(1e4)

    async def there_and_back() -> None:
        await group.move(1.0)
        await asyncio.wait_for(group.move(target), timeout=WAIT_S)

    asyncio.run(there_and_back())
    assert group.readback.value == target


@pytest.mark.parametrize(
    ("record", "served"),
    [
        ({"motor": "7idd:m31.VAL"}, True),
        ({"setpoint": "7ida:BraggEAO", "readback": "7ida:BraggERdbkAO"}, True),
        ({"setpoint": "7ida:BraggEAO", "readback": "ame:magnet:FieldRBV"}, False),
    ],
)
def test_an_axis_may_be_a_device_of_the_beamline(record: dict[str, str], *, served: bool) -> None:
    """Lost: every simulated session of anyone who scans the nozzle or a mirror. Half an axis is a mistake."""
    beamline = SimulatedBeamline(load_sample(), BuildOptions(seed=1, speed=1.0))
    before = set(beamline.pvdb)
    axis = parse_axis(json.dumps({"unit": "mm", "low": -5.0, "high": 5.0} | record))
    if served:
        beamline.add_axes([axis])
    else:
        with pytest.raises(SimulationInputError, match="7ida:BraggEAO is a PV of the simulated beamline already"):
            beamline.add_axes([axis])
    assert set(beamline.pvdb) == before


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
