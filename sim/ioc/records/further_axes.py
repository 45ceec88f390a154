"""Axes that a user adds to the beamline: motor records, and setpoints with a read-back. Nothing else depends on them.

They let a session with a further axis, such as a magnet, be tried before its own control system exists.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.mechanics import UNITS_LENGTH, Mechanics
from sim.ioc.records.motor import MotorGroup

CROSSING_S = 100.0
"""Beam time in which an axis crosses its whole range, s (chosen)."""

STEPS = 1_000_000
"""Steps of a motor over the whole range of its axis (chosen)."""

REFRESH_S = 0.02
"""Interval in which a read-back follows its ramp, s of wall time."""

NEEDED = {"unit", "low", "high"}
NAMES = {"motor", "setpoint", "readback", "stop", "done"}


@dataclass(frozen=True, kw_only=True)
class FurtherAxis:
    """PVs of an axis with their unit and limits in it; either `motor`, or `setpoint` and `readback`, is not empty."""

    unit: str
    low: float
    high: float
    motor: str = ""
    setpoint: str = ""
    readback: str = ""
    stop: str = ""
    done: str = ""

    @property
    def pvs(self) -> tuple[str, ...]:
        """Names of its PVs; of a motor record that of the record alone."""
        named = (self.motor, self.setpoint, self.readback, self.stop, self.done)
        return tuple(pv.removesuffix(".VAL") for pv in named if pv)

    @property
    def initial(self) -> float:
        """Where the axis is at the start, in its unit: at 0, or at the nearest limit."""
        return min(max(0.0, self.low), self.high)

    @property
    def per_s(self) -> float:
        """Speed, in the unit of the axis per second of beam."""
        return (self.high - self.low) / CROSSING_S


def parse_axis(text: str) -> FurtherAxis:
    """Return the axis that a JSON object describes.

    Raises SimulationInputError naming the key that is wrong or missing.
    """
    try:
        table = json.loads(text)
    except json.JSONDecodeError as error:
        raise SimulationInputError(f"--axis {text}: give a JSON object: {error}") from error
    if not isinstance(table, dict) or not set(table) >= NEEDED or set(table) - NEEDED - NAMES:
        raise SimulationInputError(f"--axis {text}: give {_keys(NEEDED)}, and some of {_keys(NAMES)}")
    axis = FurtherAxis(**table)
    if bool(axis.motor) == bool(axis.setpoint and axis.readback):
        raise SimulationInputError(f"--axis {text}: give either motor, or setpoint and readback")
    if not (math.isfinite(axis.low) and math.isfinite(axis.high) and axis.low < axis.high):
        raise SimulationInputError(f"--axis {text}: low must be less than high, and both finite")
    return axis


def axis_group(axis: FurtherAxis, *, macro: str, clock: BeamClock) -> PVGroup:
    """Return the records of an axis, their names under the prefix `macro`.

    Raises SimulationInputError for a range that a motor record cannot have.
    """
    if not axis.motor:
        return _positioner(axis)(macro, clock=clock, axis=axis)
    mechanics = Mechanics(
        egu=axis.unit[:UNITS_LENGTH],
        low=axis.low,
        high=axis.high,
        velocity=axis.per_s,
        initial=axis.initial,
        resolution=(axis.high - axis.low) / STEPS,
    )
    name = macro + axis.motor.removesuffix(".VAL")
    return MotorGroup(name, clock=clock, description="Axis of the user", mechanics=mechanics)


class Positioner(PVGroup):
    """A setpoint whose put completes when the read-back has arrived, or at a write of 1 to the PV that stops it."""

    def __init__(self, prefix: str, *, clock: BeamClock, axis: FurtherAxis, **options: Any) -> None:
        super().__init__(prefix, **options)
        self._clock = clock
        self._axis = axis
        self._moves = 0

    async def move(self, target: float) -> None:
        """Move the read-back to `target`, in the unit of the axis, until a stop or the next move."""
        axis = self._axis
        if not axis.low <= target <= axis.high:
            raise SimulationInputError(
                f"{axis.setpoint} = {target:g} {axis.unit}: give {axis.low:g} to {axis.high:g} {axis.unit}"
            )
        self._moves += 1
        number = self._moves
        here = float(self.readback.value)
        began_s = self._clock.now_s()
        begin = here
        await self._show_done(0)
        while here != target and number == self._moves:
            await self._clock.sleep(REFRESH_S * self._clock.speed)
            way = axis.per_s * (self._clock.now_s() - began_s)
            # The end is the target itself: begin + (target - begin) may differ from it by rounding.
            here = target if abs(target - begin) <= way else begin + math.copysign(way, target - begin)
            await self.readback.write(here)
        if number == self._moves:
            await self._show_done(1)

    async def _show_done(self, done: int) -> None:
        if self._axis.done:
            await self.done.write(done)

    async def halt(self) -> None:
        """Stop where it is."""
        self._moves += 1
        await self._show_done(1)


def _positioner(axis: FurtherAxis) -> type[Positioner]:
    """Return the class of a positioner with the PV names of an axis, which caproto takes from the class."""
    position = {
        "value": axis.initial, "lower_ctrl_limit": axis.low, "upper_ctrl_limit": axis.high,
        "units": axis.unit[:UNITS_LENGTH], "precision": 5,
    }  # fmt: skip

    async def put(group: Positioner, _instance: Any, value: float) -> float:
        await group.move(float(value))
        return value

    async def put_stop(group: Positioner, _instance: Any, _value: int) -> int:
        await group.halt()
        return 0

    members: dict[str, Any] = {
        "setpoint": pvproperty(name=axis.setpoint, put=put, doc="Axis of the user, set", **position),
        "readback": pvproperty(name=axis.readback, read_only=True, doc="Axis of the user, read-back", **position),
    }
    if axis.stop:
        members["stop"] = pvproperty(name=axis.stop, value=0, put=put_stop, doc="1 stops the axis of the user")
    if axis.done:
        members["done"] = pvproperty(name=axis.done, value=1, read_only=True, doc="1 if the axis of the user rests")
    return type("UserPositioner", (Positioner,), members)


def _keys(names: set[str]) -> str:
    return ", ".join(sorted(names))
