"""EPICS motor record around a simulated axis, complete enough for stock ophyd, pyepics and caproto clients.

The behaviour follows the manual of the motor record (EPICS motor module, R7-2). The simulation is stricter in one
way: a write that the real record ignores silently is refused, so that a client can see it.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

from caproto import SkipWrite

from sim.clock import BeamClock
from sim.errors import RecordBusyError, SimulationInputError
from sim.ioc.records.fields import check_description, post, preset
from sim.ioc.records.mechanics import Mechanics
from sim.ioc.records.motor_axis import Axis, Leg
from sim.ioc.records.motor_fields import POSITION_FIELDS, Status, limit_metadata, preset_units
from sim.ioc.records.motor_record import MotorRecord

Handler = Callable[[Any], Awaitable[Any]]


class MotorGroup(MotorRecord):
    """One motor record named `prefix` that drives `mechanics`.

    `on_arrival(start_dial, end_dial)` is called each time the axis comes to rest at a different place. A backlash
    correction or a reversal counts as two motions, so that the last call gives the side of the final approach.
    Raises SimulationInputError for impossible limits or an impossible start.
    """

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        description: str,
        mechanics: Mechanics,
        on_arrival: Callable[[float, float], None] | None = None,
        **group_options: Any,
    ) -> None:
        check_description(prefix, description)
        mechanics.check(prefix)
        resolution = mechanics.resolution
        axis = Axis(clock, round(mechanics.initial / resolution) * resolution, on_arrival)
        super().__init__(prefix, axis=axis, resolution=resolution, **group_options)
        self._handlers = self._field_handlers()
        self.record.__doc__ = description
        preset_units(self.record, mechanics.egu, mechanics.precision)
        self._preset_motion(mechanics)
        self._preset_position(mechanics.low, mechanics.high)

    @property
    def dial_position(self) -> float:
        """True position of the axis, in dial units; continuous during motion."""
        return self._axis.position

    @property
    def position(self) -> float:
        """True position of the axis, in user units."""
        return self._to_user(self._axis.position)

    @property
    def fault_stalled(self) -> bool:
        """Whether the axis is blocked: a motion ends where it is, short of VAL, in MAJOR alarm; settable."""
        return self._axis.stalled

    @fault_stalled.setter
    def fault_stalled(self, stalled: bool) -> None:
        self._axis.stalled = stalled

    @property
    def fault_hung(self) -> bool:
        """Whether a stalled motion never reports its end, until it is stopped; settable."""
        return self._axis.hung

    @fault_hung.setter
    def fault_hung(self, hung: bool) -> None:
        self._axis.hung = hung

    @property
    def target_dial(self) -> float:
        """Present target of the axis, or its position at rest, in dial units."""
        return self._target

    async def move_to(self, user_value: float) -> None:
        """Move as a put to VAL does, and return when the motion has ended, at the target or elsewhere.

        Raises SimulationInputError, without moving, if `user_value` is beyond the soft limits.
        """
        await self._drive(self._to_dial(user_value), user_value)

    async def write_field(self, name: str, value: Any) -> Any:
        """Act on a write of a client to VAL or another acting field, and return the value that caproto stores.

        Put completion comes with the return: after a write that moves, when the motion has ended. Raises
        SimulationInputError for a value that the record refuses, RecordBusyError if it cannot change while it moves.
        """
        # Every acting field has a handler. A handler that posts its field itself returns SkipWrite; the others return
        # the value, and caproto stores it. Several fields are views of one quantity (VAL, DVAL and RVAL; HLM and DHLM),
        # so a write to one posts them all.
        return await self._handlers[name](value)

    def _field_handlers(self) -> dict[str, Handler]:
        drives: dict[str, Handler] = {
            "VAL": self._put_drive,
            "DVAL": self._put_dial,
            "RVAL": lambda steps: self._put_dial(steps * self._resolution),
            "RLV": lambda step: self._push(1, step),
            "TWF": lambda pushed: self._push(pushed, self._field("TWV").value),
            "TWR": lambda pushed: self._push(pushed, -self._field("TWV").value),
            "JOGF": lambda pushed: self._jog("JOGF", 1, pushed),
            "JOGR": lambda pushed: self._jog("JOGR", -1, pushed),
            "HOMF": self._home,
            "HOMR": self._home,
            "STOP": self._put_stop,
            "SYNC": self._put_sync,
            "SPMG": self._put_spmg,
        }
        # Limits exist in user and in dial units; the sign of DIR decides which user limit is which dial limit. Every
        # change of them ends in the dial limits, which alone are stored.
        calibration: dict[str, Handler] = {
            "HLM": lambda limit: self._put_limit(limit, self._sign, self._to_dial),
            "LLM": lambda limit: self._put_limit(limit, -self._sign, self._to_dial),
            "DHLM": lambda limit: self._put_limit(limit, 1, float),
            "DLLM": lambda limit: self._put_limit(limit, -1, float),
            "DIR": self._put_direction,
            "OFF": self._put_offset,
            "PREC": self._put_precision,
        }
        speeds: dict[str, Handler] = {name: self._speed_check(name) for name in ("VELO", "BVEL", "JVEL", "HVEL", "JAR")}
        numbers: dict[str, Handler] = {name: self._not_negative(name) for name in ("ACCL", "BACC", "VMAX", "VBAS")}
        # These belong to the mechanics: a client that could change them would change what a position means.
        fixed: dict[str, Handler] = {name: self._fixed(name) for name in ("EGU", "MRES", "ERES", "UREV", "SREV")}
        return drives | calibration | speeds | numbers | fixed | {"BDST": self._put_backlash}

    def _preset_motion(self, mechanics: Mechanics) -> None:
        values = {
            **dict.fromkeys(("VELO", "BVEL", "JVEL", "HVEL"), mechanics.velocity),
            **dict.fromkeys(("ACCL", "BACC"), mechanics.acceleration_s),
            **dict.fromkeys(("MRES", "ERES", "RRES", "RDBD", "SPDB"), self._resolution),
            "JAR": mechanics.acceleration,
            "BDST": mechanics.backlash,
            "TWV": 100 * self._resolution,
            "UREV": self._resolution * self._field("SREV").value,
        }
        for name, value in values.items():
            preset(self._field(name), value=value)

    def _preset_position(self, low: float, high: float) -> None:
        dial = self._axis.position
        steps = round(dial / self._resolution)
        values = {
            **dict.fromkeys(("DVAL", "RBV", "DRBV"), dial),
            **dict.fromkeys(("RVAL", "RRBV", "RMP", "REP"), steps),
            **dict.fromkeys(("HLM", "DHLM"), high),
            **dict.fromkeys(("LLM", "DLLM"), low),
            "LVIO": 0,
            "MSTA": int(Status.DONE),
            "SPMG": "Go",
            "SET": "Use",
            "FOFF": "Variable",
            "DIR": "Pos",
            "UDF": b"\0",
        }
        for name, value in values.items():
            preset(self._field(name), value=value)
        preset(self.record, value=dial, **limit_metadata(low, high))
        preset(self._field("RBV"), **limit_metadata(low, high))

    async def _put_drive(self, user: float) -> Any:
        # In SET mode a write to VAL calibrates: the axis stays, and its current position gets this user value.
        if self._field("SET").value == "Set":
            await self._recalibrate(user)
        else:
            await self.move_to(user)
        return SkipWrite

    async def _put_dial(self, dial: float) -> Any:
        if self._field("SET").value == "Set":
            raise self._physical()
        await self._drive(dial, self._to_user(dial))
        return SkipWrite

    async def _push(self, pushed: int, step: float) -> Any:
        if pushed:
            await self.move_to(self.record.value + step)
        return SkipWrite

    async def _jog(self, name: str, direction: int, pushed: int) -> Any:
        # A jog is a move to the soft limit at jog speed, without backlash correction; releasing the button stops it,
        # and VAL is set to wherever the axis came to rest.
        if not pushed:
            await self._stop()
            return SkipWrite
        speed = self._field("JVEL").value
        limit = self._field("DHLM" if direction * self._sign > 0 else "DLLM").value
        await self._refuse_jog_unless_free(limit)
        self._jogging = True
        await post(self._field(name), 1)
        await self._move([Leg(target=self._on_step(limit), speed=speed, ramp_s=speed / self._field("JAR").value)])
        return SkipWrite

    async def _home(self, pushed: int) -> Any:
        """Move to the home switch, which is at dial 0."""
        if pushed:
            await self._refuse_jog_unless_free(0.0)
            await self._set_target(0.0, self._to_user(0.0))
            await self._move([Leg(target=0.0, speed=self._field("HVEL").value, ramp_s=self._field("ACCL").value)])
        return SkipWrite

    async def _refuse_jog_unless_free(self, dial: float) -> None:
        if self._field("SPMG").value == "Pause":
            raise SimulationInputError(f"{self.prefix} neither jogs nor homes while SPMG is Pause; write Go to it")
        if self._field("DLLM").value == self._field("DHLM").value:
            raise SimulationInputError(f"{self.prefix} neither jogs nor homes without soft limits; set HLM and LLM")
        await self._refuse_unless_free(dial, self._to_user(dial))

    async def _put_stop(self, pushed: int) -> Any:
        if pushed:
            await self._stop()
        return SkipWrite

    async def _put_sync(self, pushed: int) -> Any:
        if pushed and not self.moving:
            await self._set_target_to_readback()
        return SkipWrite

    async def _put_spmg(self, command: str) -> Any:
        # Stop ends a motion and forgets its target; Pause ends it and keeps the target; Go and Move resume to the
        # target that was kept, Move for one motion only (`_post_ended` then sets Pause).
        await post(self._field("SPMG"), command)
        if command in ("Stop", "Pause"):
            await self._stop()
            if command == "Stop":
                await self._set_target_to_readback()
        elif self._on_step(self._target) != self._axis.position and not self.moving:
            await self._move(self._legs())
        return SkipWrite

    async def _put_limit(self, limit: float, side: float, to_dial: Callable[[float], float]) -> Any:
        if not math.isfinite(limit):
            raise SimulationInputError(f"{self.prefix}: {limit} is not a soft limit; write a finite number")
        await post(self._field("DHLM" if side > 0 else "DLLM"), to_dial(limit))
        await self._post_calibration()
        return SkipWrite

    async def _recalibrate(self, user: float) -> None:
        self._refuse_while_moving("its calibration")
        if self._field("FOFF").value != "Variable":
            raise self._physical()
        self._offset = user - self._sign * self._target
        await self._post_calibration()

    def _physical(self) -> SimulationInputError:
        return SimulationInputError(
            f"{self.prefix}: the dial of a simulated axis is its true position and cannot be set; "
            "change the user offset: SET = Set, FOFF = Variable, then write VAL"
        )

    async def _put_offset(self, offset: float) -> Any:
        self._refuse_while_moving("its offset")
        self._offset = offset
        await self._post_calibration()
        return SkipWrite

    async def _put_direction(self, direction: str) -> Any:
        """Change the direction as the motor record does: the user position stays, unless the offset is frozen."""
        # user = sign x dial + offset. With the new sign, the offset is chosen so that the current position keeps its
        # user value; with FOFF = Frozen the offset stays, and the user value changes.
        self._refuse_while_moving("its direction")
        user = self._to_user(self._target)
        self._sign = 1.0 if direction == "Pos" else -1.0
        if self._field("FOFF").value == "Variable":
            self._offset = user - self._sign * self._target
        await self._post_calibration()
        return SkipWrite

    async def _put_precision(self, precision: int) -> int:
        if precision != self.record.precision:
            for channel in (self.record, *(self._field(name) for name in POSITION_FIELDS)):
                await channel.write_metadata(precision=precision)
        return precision

    async def _put_backlash(self, distance: float) -> float:
        if not math.isfinite(distance):
            raise SimulationInputError(f"{self.prefix}.BDST = {distance} is not a finite number")
        return distance

    def _refuse_while_moving(self, what: str) -> None:
        if self.moving:
            raise RecordBusyError(f"{self.prefix} is moving; stop it before changing {what}")

    def _speed_check(self, name: str) -> Handler:
        async def check(value: float) -> float:
            maximum = self._field("VMAX").value if name != "JAR" else 0.0
            low = self._field("VBAS").value if name != "JAR" else 0.0
            if not (math.isfinite(value) and value > 0 and value >= low and (maximum <= 0 or value <= maximum)):
                raise SimulationInputError(
                    f"{self.prefix}.{name} = {value:g} must be above 0, at least VBAS = {low:g} "
                    f"and, unless VMAX is 0, at most VMAX = {maximum:g}"
                )
            return value

        return check

    def _not_negative(self, name: str) -> Handler:
        async def check(value: float) -> float:
            if not (math.isfinite(value) and value >= 0):
                raise SimulationInputError(f"{self.prefix}.{name} = {value:g} must be a finite number of at least 0")
            return value

        return check

    def _fixed(self, name: str) -> Handler:
        async def refuse(value: Any) -> Any:
            raise SimulationInputError(f"{self.prefix}.{name} belongs to the simulated mechanics; {value} was not set")

        return refuse
