"""EPICS scaler record around a counting function, complete enough for stock ophyd, pyepics and caproto clients."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from caproto import SkipWrite
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import CountError, RecordBusyError, SimulationInputError
from sim.ioc.records.fields import acting, check_description, post, preset, repost_all
from sim.ioc.records.scaler_fields import CHANNELS, CLOCK_HZ, COUNT_MAX, NAME_LENGTH, ScalerFields

IDLE = 0
"""State in SS and US: no count is in progress."""

WAITING = 1
"""State in SS and US: the delay DLY before a count runs."""

COUNTING = 2
"""State in SS while the gate is open."""

USER_COUNTING = 3
"""State in US, the user's view of SS, while the gate is open."""

STUCK_POLL_S = 0.01

AHEAD_FROM_S = 0.005
"""Wall time of the shortest count that is computed while it lasts: the computation takes up to 2 ms."""

ACTING_FIELDS = ("CNT", "CONT", "TP", "FREQ", "DLY", "PR1", *(f"G{n}" for n in range(1, CHANNELS + 1)))
"""Fields on whose write the record acts; all others only store the value."""


@dataclass(frozen=True, kw_only=True)
class ConnectedChannels:
    """Channels of one scaler: `names` of the connected ones by number, from 1, and the `count` of all."""

    names: Mapping[int, str]
    count: int = CHANNELS

    def check(self, scaler: str) -> None:
        """Raise SimulationInputError if `scaler` cannot have these channels: at most 32, names of 15 characters."""
        if not 1 <= self.count <= CHANNELS or not set(self.names) <= set(range(1, self.count + 1)):
            raise SimulationInputError(
                f"{scaler}: channels {sorted(self.names)} do not fit {self.count} of at most {CHANNELS}; number them "
                "from 1"
            )
        too_long = [name for name in self.names.values() if len(name) > NAME_LENGTH]
        if too_long:
            raise SimulationInputError(
                f"{scaler}: EPICS keeps {NAME_LENGTH} characters of a channel's name; shorten {too_long}"
            )


@dataclass(frozen=True, kw_only=True)
class CountActions:
    """Actions of a scaler during a count.

    `on_start` is called when the gate opens, and `ahead(preset_s)` is awaited while it is open, with the seconds of
    beam for which it will be open unless it is closed early. `count(elapsed_s)` is called once at the end with the
    seconds of beam that the gate was open, and returns the counts by channel number. `on_finish(elapsed_s, counts)` is
    awaited after the counts are posted and before the record is done.
    """

    count: Callable[[float], Mapping[int, float]]
    on_start: Callable[[], None] | None = None
    ahead: Callable[[float], Awaitable[None]] | None = None
    on_finish: Callable[[float, Mapping[int, float]], Awaitable[None]] | None = None


class ScalerGroup(PVGroup):
    """One scaler record named `prefix`.

    Channel 1 holds the ticks of the record's clock, unless `actions.count` returns counts for it.
    Raises SimulationInputError for channels that the record does not have.
    """

    record = acting(pvproperty(name="", value=0.0, dtype=float, record=ScalerFields._record_type), ACTING_FIELDS)

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        description: str,
        channels: ConnectedChannels,
        actions: CountActions,
        **group_options: Any,
    ) -> None:
        super().__init__(prefix, **group_options)
        check_description(prefix, description)
        channels.check(prefix)
        self._clock = clock
        self._actions = actions
        self._interrupt = asyncio.Event()
        self._counting: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._opened_s = 0.0
        self.fault_stuck = False
        """Whether a count that is over does not end until it is stopped."""
        self._shown = sorted({1, *channels.names})
        self.record.__doc__ = description
        preset(self._field("NCH"), value=channels.count)
        preset(self._field("PR1"), value=self._field("TP").value * CLOCK_HZ)
        for number, name in channels.names.items():
            preset(self._field(f"NM{number}"), value=name)

    @property
    def counting(self) -> bool:
        """Whether a count is in progress (CNT = 1)."""
        return self._counting is not None and not self._counting.done()

    async def start_count(self) -> None:
        """Start to count for TP seconds of beam, and return when CNT is 1; raises RecordBusyError while counting."""
        if self.counting:
            raise RecordBusyError(f"{self.prefix} is counting already; wait for it, or write 0 to {self.prefix}.CNT")
        self._interrupt.clear()
        self._ended = asyncio.Event()
        # The hardware opens its gate at once; what the record shows of it comes later.
        if self._field("DLY").value == 0:
            self._open_gate()
        self._counting = asyncio.create_task(self._count_once())
        for number in self._shown:
            await post(self._field(f"S{number}"), 0.0)
        await post(self._field("T"), 0.0)
        await post(self._field("CNT"), "Count")

    async def finished(self) -> None:
        """Wait for the end of a count; return at once if there is none."""
        counting = self._counting
        if counting is not None and not counting.done():
            await self._ended.wait()
            counting.result()

    async def stop_count(self) -> None:
        """End a count early, and return when the counts so far are posted."""
        self._interrupt.set()
        await self.finished()

    async def post_counts(self, elapsed_s: float, counts: Mapping[int, float]) -> None:
        """Show `counts` by channel number, as after a count of `elapsed_s` seconds.

        Raises CountError, showing nothing, for a count that a scaler channel cannot hold.
        """
        values = {1: round(elapsed_s * self._field("FREQ").value), **counts}
        for number, value in values.items():
            _check_count(self.prefix, number, value)
        # One stamp for all fields, changed or not, as of a record that is processed as a whole. It shows clients which
        # values belong together.
        stamp_s = time.time()
        fields = {self._field(f"S{number}"): float(value) for number, value in values.items()}
        await repost_all(fields | {self._field("T"): elapsed_s}, stamp_s)

    async def write_field(self, name: str, value: Any) -> Any:
        """Act on a write of a client to an acting field, and return the value that caproto stores.

        Raises SimulationInputError for a value that the simulation cannot have, RecordBusyError for a second count.
        """
        # The states of a count are in SS and US: idle, waiting (DLY), counting, idle. CNT is 1 from the start until all
        # counts, of this scaler and of the detectors under its gate, are posted. The put that started the count
        # completes then; a put of 0 ends the count early and completes at the same moment. `_counting` is the task of
        # the count in progress; a second put of 1 meanwhile is refused, as the record has only one set of counts.
        if name == "CNT":
            return await self._put_count(started=value == "Count")
        if name == "CONT" and value != "OneShot":
            raise SimulationInputError(f"{self.prefix}: the simulation does not auto-count; leave CONT at OneShot")
        if name.startswith("G"):
            return self._checked_gate(name, value)
        if name != "CONT":
            await self._put_number(name, value)
        return value

    def _field(self, name: str) -> Any:
        return self.record.fields[name]

    async def _put_count(self, *, started: bool) -> Any:
        """Start or stop a count; put completion comes at its end."""
        if started:
            await self.start_count()
            await self.finished()
        else:
            await self.stop_count()
        return SkipWrite

    def _checked_gate(self, name: str, value: str) -> str:
        if (name == "G1") != (value == "Y"):
            raise SimulationInputError(f"{self.prefix}: the simulation counts for a time; only gate G1 is and stays Y")
        return value

    async def _put_number(self, name: str, value: float) -> None:
        """Set TP and PR1 together: they are one preset, in seconds and in ticks."""
        if not math.isfinite(value) or value < 0 or (value == 0 and name != "DLY"):
            raise SimulationInputError(f"{self.prefix}.{name} = {value:g} must be finite and above 0")
        # The preset time TP and the preset of channel 1, PR1, describe the same count at the clock FREQ. A write to TP
        # or PR1 adapts the other; a new clock keeps the time and adapts the ticks.
        frequency_hz = self._field("FREQ").value
        if name == "PR1":
            await post(self._field("TP"), value / frequency_hz)
        elif name == "TP":
            await post(self._field("PR1"), value * frequency_hz)
        elif name == "FREQ":
            await post(self._field("PR1"), self._field("TP").value * value)

    async def _count_once(self) -> None:
        try:
            if not await self._delayed():
                await self._expose()
        finally:
            try:
                await self._show_state(IDLE, IDLE)
                await post(self._field("CNT"), "Done")
            finally:
                self._ended.set()

    async def _delayed(self) -> bool:
        """Wait for DLY, and return whether the count was stopped meanwhile."""
        delay_s: float = self._field("DLY").value
        if delay_s == 0:
            return False
        await self._show_state(WAITING, WAITING)
        stopped = await self._clock.sleep_unless(self._interrupt, delay_s)
        if not stopped:
            self._open_gate()
        return stopped

    def _open_gate(self) -> None:
        self._opened_s = self._clock.now_s()
        if self._actions.on_start is not None:
            self._actions.on_start()

    async def _expose(self) -> None:
        await self._show_state(COUNTING, USER_COUNTING)
        actions = self._actions
        elapsed_s = await self._gate_open()
        counts = actions.count(elapsed_s)
        await self.post_counts(elapsed_s, counts)
        if actions.on_finish is not None:
            await actions.on_finish(elapsed_s, counts)

    async def _gate_open(self) -> float:
        """Keep the gate open for TP or until stopped; return for how many seconds of beam it was open."""
        preset_s: float = self._field("TP").value
        start_s = self._opened_s
        if self._actions.ahead is not None and preset_s >= AHEAD_FROM_S * self._clock.speed:
            await asyncio.sleep(0)  # what was posted at the start leaves first
            await self._actions.ahead(preset_s)
        left_s = preset_s - (self._clock.now_s() - start_s)
        stopped = await self._clock.sleep_unless(self._interrupt, left_s)
        while self.fault_stuck and not self._interrupt.is_set():
            await asyncio.sleep(STUCK_POLL_S)
        return min(self._clock.now_s() - start_s, preset_s) if stopped else preset_s

    async def _show_state(self, scaler: int, user: int) -> None:
        await post(self._field("SS"), scaler)
        await post(self._field("US"), user)


def _check_count(prefix: str, number: int, value: float) -> None:
    if not 1 <= number <= CHANNELS or not 0 <= value <= COUNT_MAX:
        raise CountError(f"{prefix}.S{number} = {value} is not a count from 0 to {COUNT_MAX}")
