"""Shared safety of every experiment's server: a watchdog of the session, and a record of refused writes.

The watchdog runs on wall time: a dead session is gone, however fast the experiment is simulated. It is Disarmed, Armed
(by the first heartbeat) or Tripped (armed, silent for the time-out, and a shutter open). A trip holds until the reset,
whatever else happens; a reset neither closes nor opens anything.
"""

from __future__ import annotations

import asyncio
from typing import Any

from caproto import AlarmSeverity, AlarmStatus, ChannelType
from caproto.server import PVGroup, pvproperty

from sim.errors import SimulationInputError
from sim.ioc.channel_access.access import Client
from sim.ioc.safety.session_lock import LOOK_PERIOD_S, SessionLock, Silence

TEXT_LENGTH = 256
NONE = "none"


def text_record(name: str, doc: str) -> Any:
    """Return a record that shows a text of at most 255 characters."""
    return pvproperty(
        name=name, value=NONE, dtype=ChannelType.CHAR, max_length=TEXT_LENGTH, read_only=True, doc=doc
    )  # fmt: skip


class SessionWatchdog(PVGroup):
    """Watchdog that closes shutters when the session falls silent, and the gate of all writes of clients.

    A subclass adds the record `status`, with the states OK and Tripped at least, and what may be open.
    """

    heartbeat = pvproperty(
        name="Heartbeat", value=0, record="longout", dtype=int, doc="Session heartbeat; the first write arms"
    )  # fmt: skip
    timeout_s = pvproperty(
        name="TimeoutS", value=10.0, record="ao", dtype=float, units="s", precision=1,
        lower_ctrl_limit=0.2, upper_ctrl_limit=3600.0, doc="Shutters close after this silence, wall",
    )  # fmt: skip
    disarm = pvproperty(name="Disarm", value=0, record="longout", dtype=int, doc="1 disarms the watchdog")
    reset = pvproperty(name="Reset", value=0, record="longout", dtype=int, doc="1 resets a trip")
    watchdog = pvproperty(
        name="Watchdog", value="Disarmed", dtype=ChannelType.ENUM, record="mbbi", read_only=True,
        enum_strings=["Disarmed", "Armed", "Tripped"], doc="Watchdog of the session",
    )  # fmt: skip
    refusals = pvproperty(
        name="Refusals", value=0, record="longin", dtype=int, read_only=True, doc="Writes refused so far"
    )  # fmt: skip
    last_refusal = text_record("LastRefusal", "Latest refused write, and the reason")

    status: Any

    def __init__(self, prefix: str, *, lock: SessionLock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._lock = lock
        self._silence = Silence()

    @property
    def any_open(self) -> bool:
        """Whether a shutter is open that a silent session must not leave open."""
        raise NotImplementedError

    async def close_shutters(self, why: str) -> None:
        """Close all shutters at once, and show why."""
        raise NotImplementedError

    async def look(self) -> None:
        """Check every 0.1 s of wall time for further reasons to trip; the base class has none."""

    def status_now(self) -> str:
        """Return the status that follows a reset."""
        return "OK"

    def check(self, name: str, data: Any, client: Client) -> None:
        """Raise SimulationInputError if the session lock refuses the write."""
        self._lock.check(name, data, client)

    async def refused(self, name: str, client: Client, error: Exception) -> None:
        """Show which write was refused, in MINOR alarm until the next reset; raises nothing."""
        await self.refusals.write(self.refusals.value + 1)
        await self.last_refusal.write(f"{client} wrote {name}: {error}"[: TEXT_LENGTH - 1])
        await self.last_refusal.alarm.write(status=AlarmStatus.STATE, severity=AlarmSeverity.MINOR_ALARM)

    @heartbeat.putter  # type: ignore[no-redef]
    async def heartbeat(self, instance: Any, value: int) -> int:
        """Restart the watchdog's time-out, in s of wall time, and arm it unless it has tripped."""
        self._silence.heard()
        if self.watchdog.value == "Disarmed":
            await self.watchdog.write("Armed")
        return value

    @disarm.putter  # type: ignore[no-redef]
    async def disarm(self, instance: Any, value: int) -> int:
        """Disarm the watchdog, so that the end of the heartbeats closes nothing; a trip remains."""
        if value and self.watchdog.value == "Armed":
            await self.watchdog.write("Disarmed")
        return 0

    @reset.putter  # type: ignore[no-redef]
    async def reset(self, instance: Any, value: int) -> int:
        """Reset a trip; the shutters stay closed, and the next heartbeat arms the watchdog again."""
        if value:
            if self.watchdog.value == "Tripped":
                await self.watchdog.write("Disarmed")
            await self.status.write(self.status_now())
            await self.last_refusal.alarm.write(status=AlarmStatus.NO_ALARM, severity=AlarmSeverity.NO_ALARM)
        return 0

    @heartbeat.startup  # type: ignore[no-redef]
    async def heartbeat(self, instance: Any, async_lib: Any) -> None:
        """Check the heartbeats every 0.1 s of wall time, and trip if necessary."""
        while True:
            await asyncio.sleep(LOOK_PERIOD_S)
            silent_s = self._silence.look()
            if self.watchdog.value == "Armed" and silent_s > self.timeout_s.value and self.any_open:
                await self.trip(f"no heartbeat for {self.timeout_s.value:g} s", watchdog=True)
            else:
                await self.look()

    async def trip(self, why: str, *, watchdog: bool) -> None:
        """Close the shutters until a reset; `watchdog`: because the session is silent."""
        # The status is written before the shutters close: from this moment on nothing may be opened again.
        await self.status.write("Tripped")
        if watchdog:
            await self.watchdog.write("Tripped")
        await self.close_shutters(why)

    def check_armed(self, what: str) -> None:
        """Raise SimulationInputError that `what` stays closed if the watchdog is armed and hears nothing."""
        if self.watchdog.value == "Armed" and self._silence.seconds > self.timeout_s.value:
            raise SimulationInputError(
                f"{what} closed: the watchdog is armed and gets no heartbeat; write {self.heartbeat.pvname} or "
                f"{self.disarm.pvname}"
            )
