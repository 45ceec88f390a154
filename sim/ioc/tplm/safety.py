"""Safety of the microscope's server: a watchdog that closes the laser shutter, and a record of refused writes.

It runs on wall time: a dead session is gone, however fast the microscope is simulated. The watchdog is Disarmed, Armed
(by the first heartbeat) or Tripped (armed, silent for the time-out, shutter open); a trip holds until the reset.
"""

from __future__ import annotations

import asyncio
from typing import Any

from caproto import AlarmSeverity, AlarmStatus, ChannelType
from caproto.server import PVGroup, pvproperty

from sim.errors import SimulationInputError
from sim.ioc.access import Client
from sim.ioc.session_lock import LOOK_PERIOD_S, SessionLock, Silence
from sim.ioc.tplm.laser import DiodeLaser

TEXT_LENGTH = 256
NONE = "none"


class LaserWatchdog(PVGroup):
    """Watchdog that closes the laser shutter when the session falls silent; the gate of all writes of clients."""

    heartbeat = pvproperty(
        name="tplm:safety:Heartbeat", value=0, record="longout", dtype=int, doc="Session heartbeat; the first one arms"
    )  # fmt: skip
    timeout_s = pvproperty(
        name="tplm:safety:TimeoutS", value=10.0, record="ao", dtype=float, units="s", precision=1,
        lower_ctrl_limit=0.2, upper_ctrl_limit=3600.0, doc="Shutter closes after this silence, wall",
    )  # fmt: skip
    disarm = pvproperty(name="tplm:safety:Disarm", value=0, record="longout", dtype=int, doc="1 disarms the watchdog")
    reset = pvproperty(name="tplm:safety:Reset", value=0, record="longout", dtype=int, doc="1 resets a trip")
    watchdog = pvproperty(
        name="tplm:safety:Watchdog", value="Disarmed", dtype=ChannelType.ENUM, record="mbbi", read_only=True,
        enum_strings=["Disarmed", "Armed", "Tripped"], doc="Watchdog of the session",
    )  # fmt: skip
    status = pvproperty(
        name="tplm:safety:Status", value="OK", dtype=ChannelType.ENUM, record="mbbi", read_only=True,
        enum_strings=["OK", "Blocked", "Tripped"], doc="Whether the shutter may be open",
    )  # fmt: skip
    refusals = pvproperty(
        name="tplm:safety:Refusals", value=0, record="longin", dtype=int, read_only=True, doc="Writes refused so far"
    )
    last_refusal = pvproperty(
        name="tplm:safety:LastRefusal", value=NONE, dtype=ChannelType.CHAR, max_length=TEXT_LENGTH, read_only=True,
        doc="Latest refused write, and the reason",
    )  # fmt: skip

    def __init__(self, prefix: str, *, laser: DiodeLaser, lock: SessionLock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._laser = laser
        self._lock = lock
        self._silence = Silence()
        laser.interlock = self._check_may_open

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
        """Reset a trip; the shutter stays closed, and the next heartbeat arms the watchdog again."""
        if value:
            if self.watchdog.value == "Tripped":
                await self.watchdog.write("Disarmed")
            await self.status.write("OK")
            await self.last_refusal.alarm.write(status=AlarmStatus.NO_ALARM, severity=AlarmSeverity.NO_ALARM)
        return 0

    @heartbeat.startup  # type: ignore[no-redef]
    async def heartbeat(self, instance: Any, async_lib: Any) -> None:
        """Check the heartbeats every 0.1 s of wall time, and trip if necessary."""
        while True:
            await asyncio.sleep(LOOK_PERIOD_S)
            silent_s = self._silence.look()
            if self.watchdog.value == "Armed" and silent_s > self.timeout_s.value and self._laser.shutter_open:
                # The status is written before the shutter closes: from this moment on nothing may open it again.
                await self.status.write("Tripped")
                await self.watchdog.write("Tripped")
                await self._laser.shutter.write("Closed")

    def _check_may_open(self) -> None:
        if self.status.value == "Tripped":
            raise SimulationInputError("the laser shutter stays closed: no heartbeat; write 1 to tplm:safety:Reset")
        if self.watchdog.value == "Armed" and self._silence.seconds > self.timeout_s.value:
            raise SimulationInputError(
                "the laser shutter stays closed: the watchdog is armed and gets no heartbeat; write "
                "tplm:safety:Heartbeat or tplm:safety:Disarm"
            )
