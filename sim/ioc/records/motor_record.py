"""The motion of a motor record: target, legs, and the fields posted about them.

Stock clients rely on two sequences (motor record manual, R7-2). At the start: MOVN 1, then DMOV 0, before
anything moves. At the end: the last read-backs, MSTA, SPMG, and DMOV 1 last, so that a client that waits for DMOV finds
everything else final. A write to VAL during a motion sets new legs for the same motion; DMOV then stays 0 until the
last target is reached, and every write completes at that moment. After a stop VAL is set to the read-back, except in
SPMG mode Pause, where Go resumes the move; after a stall VAL keeps the target, as on a real axis that lost steps.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from caproto import AlarmSeverity, AlarmStatus, ChannelType
from caproto.server import PVGroup, pvproperty

from sim.errors import RecordBusyError, SimulationInputError
from sim.ioc.records.fields import acting, post, repost
from sim.ioc.records.motor_axis import Axis, Ended, Leg
from sim.ioc.records.motor_fields import ACTING_FIELDS, Drive, Status, limit_metadata, write_drive


class MotorRecord(PVGroup):
    """One motor record and its `axis`, which rests on whole multiples of `resolution`.

    Positions are dial units (`dial`) or user units (`user`): user = direction * dial + offset.
    """

    record = acting(pvproperty(name="", value=0.0, dtype=Drive, record="motor", put=write_drive), ACTING_FIELDS)
    able = pvproperty(
        name="_able", value="Enable", dtype=ChannelType.ENUM, enum_strings=["Enable", "Disable"], record="bo",
        doc="Motor may be moved",
    )  # fmt: skip

    def __init__(self, prefix: str, *, axis: Axis, resolution: float, **group_options: Any) -> None:
        super().__init__(prefix, **group_options)
        self._axis = axis
        self._resolution = resolution
        self._target = axis.position
        self._sign = 1.0
        self._offset = 0.0
        self._motion: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._ended = Ended.ARRIVED
        self._jogging = False
        self._landed: asyncio.Event | None = None
        self.interlock: Callable[[float], None] = lambda _: None
        """Raises SimulationInputError if the axis must not go to `dial`, whatever the soft limits allow."""

    @property
    def moving(self) -> bool:
        """Whether a motion is in progress (DMOV = 0)."""
        return self._motion is not None and not self._motion.done()

    @property
    def speed(self) -> float:
        """Speed of moves (VELO), units/s."""
        return float(self._field("VELO").value)

    @property
    def ramp_s(self) -> float:
        """Time in which the axis reaches its speed (ACCL), s of beam."""
        return float(self._field("ACCL").value)

    @property
    def flight_interrupted(self) -> bool:
        """Whether a flight has to end: somebody stopped the axis, or it is blocked."""
        return self._axis.interrupted

    def check_target(self, dial: float) -> None:
        """Raise SimulationInputError if the axis must not go to `dial`, in its unit."""
        if not self._within_limits(dial):
            raise SimulationInputError(f"{self.prefix} = {self._to_user(dial):g} is outside its soft limits")
        self.interlock(dial)

    async def begin_flight(self) -> None:
        """Let another controller move the axis by `fly_to`, shown as one motion of the record until `end_flight`.

        Raises RecordBusyError if the axis moves already.
        """
        if self.moving:
            raise RecordBusyError(f"{self.prefix} is moving; wait until it stands")
        self._axis.release()
        self._landed = asyncio.Event()
        await self._post_started([Leg(target=self._axis.position, speed=self.speed, ramp_s=self.ramp_s)])
        self._motion = asyncio.create_task(self._flight(self._landed))

    def fly_to(self, dial: float) -> None:
        """Put the axis at `dial`, in its unit, where the controller of the flight has moved it."""
        self._axis.place(dial)

    async def show_flight(self) -> None:
        """Post the read-backs during a flight."""
        await self._post_readback()

    async def end_flight(self) -> None:
        """End the flight: the axis rests where it was put last, and VAL is set to the read-back."""
        if self._landed is not None and self._motion is not None:
            self._landed.set()
            await asyncio.shield(self._motion)

    async def _flight(self, landed: asyncio.Event) -> None:
        await landed.wait()
        self._landed = None
        self._axis.land()
        self._ended = Ended.STALLED if self._axis.stalled else Ended.ARRIVED
        await self._set_target_to_readback()
        await self._post_ended()

    def _field(self, name: str) -> Any:
        return self.record.fields[name]

    def _to_user(self, dial: float) -> float:
        return self._sign * dial + self._offset

    def _to_dial(self, user: float) -> float:
        return (user - self._offset) * self._sign

    def _on_step(self, dial: float) -> float:
        return round(dial / self._resolution) * self._resolution

    async def _drive(self, dial: float, user: float) -> None:
        """Make `dial` (= `user`) the target and go there, or, with SPMG at Pause, later."""
        await self._refuse_unless_free(dial, user)
        await self._set_target(dial, user)
        self._jogging = False
        if self._field("SPMG").value != "Pause":
            await self._move(self._legs())

    async def _refuse_unless_free(self, dial: float, user: float) -> None:
        """Raise SimulationInputError, and set LVIO, if the record must not move to `dial` (= `user`)."""
        if not math.isfinite(dial):
            raise SimulationInputError(f"{self.prefix} cannot move to {user}; write a finite number")
        if self._landed is not None:
            raise RecordBusyError(f"{self.prefix} is in a fly scan; stop that first")
        if self.able.value != "Enable":
            raise SimulationInputError(f"{self.prefix} is disabled; write Enable to {self.prefix}_able")
        if self._field("SPMG").value == "Stop":
            raise SimulationInputError(
                f"{self.prefix} does not move while SPMG is Stop; write Go to {self.prefix}.SPMG"
            )
        violated = not self._within_limits(dial)
        await post(self._field("LVIO"), int(violated))
        if violated:
            raise SimulationInputError(
                f"{self.prefix} = {user:g} {self.record.units} is outside its soft limits "
                f"{self._field('LLM').value:g} to {self._field('HLM').value:g} {self.record.units}"
            )
        self.interlock(dial)

    def _within_limits(self, dial: float) -> bool:
        low = self._field("DLLM").value
        high = self._field("DHLM").value
        rounding = self._resolution / 2
        return bool(low == high == 0 or low - rounding <= dial <= high + rounding)

    def _legs(self) -> list[Leg]:
        """Return the legs to the target; with BDST set, the last one goes in its direction (motor record manual)."""
        # Positive BDST: the last part of every move goes in the positive direction. Three cases: without backlash, or
        # if the move goes in that direction anyway at the same speed, one leg is enough; within one backlash distance
        # of the target on the right side, one leg at backlash speed; otherwise first past the target by BDST, and back.
        target = self._on_step(self._target)
        start = self._axis.position
        slew = Leg(target=target, speed=self._field("VELO").value, ramp_s=self._field("ACCL").value)
        last = Leg(target=target, speed=self._field("BVEL").value, ramp_s=self._field("BACC").value)
        backlash = self._field("BDST").value
        if abs(backlash) < self._resolution or target == start or ((target - start) * backlash > 0 and slew == last):
            return [slew]
        if 0 < (target - start) * math.copysign(1.0, backlash) <= abs(backlash):
            return [last]
        return [Leg(target=self._on_step(target - backlash), speed=slew.speed, ramp_s=slew.ramp_s), last]

    async def _move(self, legs: list[Leg]) -> None:
        """Travel `legs`, and return when all motion, also to a later target, has ended."""
        self._axis.go(legs)
        async with self._starting:
            if not self.moving:
                await self._post_started(legs)
                self._motion = asyncio.create_task(self._travel())
        assert self._motion is not None
        await asyncio.shield(self._motion)

    async def _stop(self) -> None:
        if self.moving:
            assert self._motion is not None
            self._axis.stop()
            await asyncio.shield(self._motion)

    async def _travel(self) -> None:
        self._ended = await self._axis.travel(self._post_readback)
        keeps_target = self._ended is Ended.STALLED or (
            self._field("SPMG").value == "Pause" if self._ended is Ended.STOPPED else not self._jogging
        )
        if not keeps_target:
            await self._set_target_to_readback()
        await self._post_ended()

    async def _set_target(self, dial: float, user: float) -> None:
        self._target = dial
        await repost(self.record, user)
        await post(self._field("DVAL"), dial)
        await post(self._field("RVAL"), round(dial / self._resolution))

    async def _set_target_to_readback(self) -> None:
        dial = self._on_step(self._axis.position)
        await self._set_target(dial, self._to_user(dial))

    async def _post_readback(self) -> None:
        steps = round(self._axis.position / self._resolution)
        dial = steps * self._resolution
        await post(self._field("RRBV"), steps)
        await post(self._field("DRBV"), dial)
        await post(self._field("RBV"), self._to_user(dial))

    async def _post_started(self, legs: list[Leg]) -> None:
        if self.record.alarm.severity != AlarmSeverity.NO_ALARM:
            await self.record.alarm.write(status=AlarmStatus.NO_ALARM, severity=AlarmSeverity.NO_ALARM)
        forward = legs[0].target > self._axis.position
        await post(self._field("MISS"), 0)
        await post(self._field("TDIR"), int(forward))
        await post(self._field("MSTA"), int(Status.MOVING | (Status.DIRECTION if forward else 0)))
        await post(self._field("MOVN"), 1)
        await post(self._field("DMOV"), 0)

    async def _post_ended(self) -> None:
        status = Status.DONE | (Status.DIRECTION if self._field("TDIR").value else Status(0))
        if self._ended is Ended.STALLED:
            status |= Status.PROBLEM | Status.SLIP_STALL
            await post(self._field("MISS"), 1)
            await self.record.alarm.write(status=AlarmStatus.STATE, severity=AlarmSeverity.MAJOR_ALARM)
        await self._post_readback()
        for name in ("JOGF", "JOGR", "MOVN"):
            await post(self._field(name), 0)
        await post(self._field("MSTA"), int(status))
        await post(self._field("ATHM"), int(self._field("RRBV").value == 0))
        if self._field("SPMG").value == "Move":
            await post(self._field("SPMG"), "Pause")
        self._jogging = False
        await post(self._field("DMOV"), 1)

    async def _post_calibration(self) -> None:
        """Post all that depends on limits, offset and direction; limits last, since they make clients read again."""
        ends = sorted(self._to_user(self._field(name).value) for name in ("DLLM", "DHLM"))
        for channel in (self.record, self._field("RBV")):
            await channel.write_metadata(**limit_metadata(*ends))
        await post(self._field("OFF"), self._offset)
        await post(self._field("DIR"), "Pos" if self._sign > 0 else "Neg")
        await post(self.record, self._to_user(self._target))
        await self._post_readback()
        await post(self._field("LLM"), ends[0])
        await post(self._field("HLM"), ends[1])
