"""The PVs of faults, and their schedule: when faults strike, when they end, and which are active."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.faults.fault import Fault, check_duration
from sim.faults.kinds import BEAMLINE, FaultTable, make_fault, parameter_name
from sim.faults.schedule import NOTHING_SCHEDULED, Schedule, ScheduledFault
from sim.faults.server_faults import IocDeath, IocFreeze
from sim.faults.strikes import Strike
from sim.types import Records

NO_YES = ["No", "Yes"]

TEXT_LENGTH = 512
NONE = "none"


async def _switch(group: Any, instance: Any, value: float) -> float:
    await group.switch(instance.pvspec.attr, float(value))
    return value


async def _set_parameter(group: Any, instance: Any, value: Any) -> Any:
    kind, _, name = instance.pvspec.attr.partition("__")
    return group.checked_parameter(kind, name, value)


async def _clear(group: Any, _instance: Any, value: int) -> int:
    await group.end_all(value)
    return 0


async def _run(group: Any, _instance: Any, _async_lib: Any) -> None:
    await group.run_schedule()


def fault_records(table: FaultTable) -> Records:
    """Return for each kind its switch (seconds; 0 ends it), whether it is active, and its parameters.

    They are plain records without fields, since they are many.
    """
    made: Records = {}
    for kind, fault in table.kinds.items():
        made[kind] = pvproperty(
            name=table.switch(kind), value=0.0, dtype=float, units="s", precision=3, put=_switch,
            doc=f"Simulation only: {fault.meaning}",
        )  # fmt: skip
        made[f"{kind}__active"] = pvproperty(
            name=f"{table.switch(kind)}:Active", value="No", dtype=ChannelType.ENUM, enum_strings=NO_YES,
            read_only=True, doc=f"Simulation only: {kind} is active",
        )  # fmt: skip
        for item in dataclasses.fields(fault):
            made[f"{kind}__{item.name}"] = pvproperty(
                name=f"{table.switch(kind)}:{parameter_name(item.name)}", value=item.default, put=_set_parameter,
                dtype=ChannelType.STRING if isinstance(item.default, str) else type(item.default),
                doc=f"Simulation only: {item.name} of {kind}",
            )  # fmt: skip
    made["clear"] = pvproperty(
        name=f"{table.prefix}FaultsClear", value=0, dtype=int, put=_clear, doc="Simulation only: 1 ends all faults"
    )
    made["active"] = pvproperty(
        name=f"{table.prefix}FaultsActive", value=NONE, dtype=ChannelType.CHAR, max_length=TEXT_LENGTH, startup=_run,
        read_only=True, doc="Simulation only: active faults",
    )  # fmt: skip
    return made


@dataclass(kw_only=True)
class ActiveFault:
    """A fault that has struck, and the task that waits for its end."""

    fault: Fault
    strike: Strike
    lasting: asyncio.Task[None] | None = None


class StrikeRecorder(Protocol):
    """Recorder of strikes, which are applied to later exposures."""

    def strike(self, fault: Fault) -> Strike:
        """Note that `fault` strikes now, at a beam time in s; return the strike, whose end is set when it is over."""

    async def sample(self) -> None:
        """Note changes that are not announced until cancelled; raises nothing."""


class FaultSwitches(PVGroup):
    """Switches of all faults of an experiment; one fault of each kind can be active at a time.

    A derived class has the records of its `table`. The faults of `schedule` strike by themselves. `refresh` updates the
    read-backs after a change of the faults. `targets` are those on which the kinds of the table act.
    """

    table: ClassVar[FaultTable]
    active: Any

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        history: StrikeRecorder,
        targets: Any,
        refresh: Callable[[], Awaitable[None]],
        schedule: Schedule = NOTHING_SCHEDULED,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._history = history
        self._targets = targets
        self._refresh = refresh
        self._schedule = schedule
        self._active: dict[str, ActiveFault] = {}

    async def switch(self, kind: str, duration_s: float) -> None:
        """Let a fault of `kind` with the parameters of its PVs strike for `duration_s` seconds; 0 ends it.

        Raises SimulationInputError for parameters or a duration that the fault cannot have.
        """
        if duration_s == 0:
            await self.end(kind)
        else:
            await self.strike(make_fault(kind, self._parameters(kind), self.table), duration_s)

    def checked_parameter(self, kind: str, name: str, value: Any) -> float | int | str:
        """Return a parameter from a client; raises SimulationInputError if the fault cannot have it."""
        parameter = self._plain(kind, name, value)
        make_fault(kind, {name: parameter}, self.table).check(self._targets)
        return parameter

    async def strike(self, fault: Fault, duration_s: float) -> None:
        """Let `fault` strike now for `duration_s` seconds, in place of an active one of its kind.

        Raises SimulationInputError, and changes nothing, if it cannot.
        """
        # The life of a fault: checked, recorded as a strike without an end, begun on the devices, shown in its PVs, and
        # then a task of its own waits for the end. Each await lets other writes in, so a client may end the fault, or
        # replace it by another of its kind, before the task exists; the comparison at the end finds that. Faults on the
        # beam clock get their end at once, so that an exposure that ends before the task wakes up is cut correctly.
        check_duration(fault, duration_s)
        fault.check(self._targets)
        kind = type(fault).__name__
        await self.end(kind)
        struck = self._active[kind] = ActiveFault(fault=fault, strike=self._history.strike(fault))
        if not fault.wall_clock:
            struck.strike.end_s = struck.strike.start_s + duration_s
        await fault.begin(self._targets, duration_s)
        await self._show(kind)
        if self._active.get(kind) is struck:
            struck.lasting = asyncio.create_task(self._last(struck, duration_s))

    async def end(self, kind: str) -> None:
        """End the fault of `kind`, and write 0 s to its switch; does nothing if it is not active."""
        ended = self._active.pop(kind, None)
        if ended is None:
            return
        ended.strike.end_s = min(ended.strike.end_s, self._clock.now_s())
        if ended.lasting is not None and ended.lasting is not asyncio.current_task():
            ended.lasting.cancel()
        await ended.fault.end(self._targets)
        await self._show(kind)
        await getattr(self, kind).write(0.0, verify_value=False)

    async def end_all(self, value: int) -> None:
        """End all active faults, unless `value` is 0."""
        for kind in list(self._active) if value else []:
            await self.end(kind)

    async def run_schedule(self) -> None:
        """Let the scheduled faults strike, each at its time in s."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._history.sample())
            for planned in self._schedule.faults:
                tasks.create_task(self._strike_when_due(planned))

    def _parameters(self, kind: str) -> dict[str, object]:
        names = [item.name for item in dataclasses.fields(self.table.kinds[kind])]
        return {name: self._plain(kind, name, getattr(self, f"{kind}__{name}").value) for name in names}

    def _plain(self, kind: str, name: str, value: Any) -> float | int | str:
        """Return the value of a parameter in the type of its default: clients send numbers as numpy types."""
        default: float | int | str = getattr(self.table.kinds[kind], name)
        return type(default)(value)

    async def _show(self, kind: str) -> None:
        await self._refresh()
        state = "Yes" if kind in self._active else "No"
        await getattr(self, f"{kind}__active").write(state)
        await self.active.write(", ".join(self._active) or NONE)

    async def _last(self, struck: ActiveFault, duration_s: float) -> None:
        """Wait for the end of a fault, and update the read-backs at every change of its effect before."""
        if math.isinf(duration_s) and math.isinf(struck.fault.next_change_s(0.0)):
            await asyncio.Event().wait()
        if struck.fault.wall_clock:
            await asyncio.sleep(duration_s)
        else:
            await self._follow(struck, duration_s)
        if self._active.get(type(struck.fault).__name__) is struck:
            await self.end(type(struck.fault).__name__)

    async def _follow(self, struck: ActiveFault, duration_s: float) -> None:
        since_s = 0.0
        while since_s < duration_s:
            next_s = min(struck.fault.next_change_s(since_s), duration_s)
            await self._clock.sleep(struck.strike.start_s + next_s - self._clock.now_s())
            if next_s < duration_s:
                await self._refresh()
            # A process that was late skips the changes that are over: their effect lies in the past.
            since_s = max(next_s, self._clock.now_s() - struck.strike.start_s)

    async def _strike_when_due(self, planned: ScheduledFault) -> None:
        # After a restart the schedule continues where it was. A fault that struck during the dead time has less time
        # left; one that would be over by now, or that killed the server itself, does not strike a second time.
        speed = 1.0 if planned.fault.wall_clock else self._clock.speed
        late_s = self._schedule.running_s * speed - planned.at_s
        if late_s > 0 and (isinstance(planned.fault, IocDeath | IocFreeze) or late_s >= planned.duration_s):
            return
        await asyncio.sleep(max(-late_s / speed, 0.0))
        await self.strike(planned.fault, planned.duration_s - max(late_s, 0.0))


class Faults(FaultSwitches):
    """Switches of all faults of the beamline."""

    table = BEAMLINE
    locals().update(fault_records(BEAMLINE))
