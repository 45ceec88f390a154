"""Safety of the microscope's server: the watchdog closes the laser shutter."""

from __future__ import annotations

from typing import Any

from caproto import ChannelType
from caproto.server import pvproperty

from sim.errors import SimulationInputError
from sim.ioc.safety.session_lock import SessionLock
from sim.ioc.safety.watchdog import SessionWatchdog
from sim.ioc.tplm.laser import DiodeLaser


class LaserWatchdog(SessionWatchdog):
    """Watchdog that closes the laser shutter when the session falls silent."""

    status = pvproperty(
        name="Status", value="OK", dtype=ChannelType.ENUM, record="mbbi", read_only=True,
        enum_strings=["OK", "Blocked", "Tripped"], doc="Whether the shutter may be open",
    )  # fmt: skip

    def __init__(self, prefix: str, *, laser: DiodeLaser, lock: SessionLock, **kwargs: Any) -> None:
        super().__init__(f"{prefix}tplm:safety:", lock=lock, **kwargs)
        self._laser = laser
        laser.interlock = self._check_may_open

    @property
    def any_open(self) -> bool:
        """Whether the laser shutter is open."""
        return bool(self._laser.shutter_open)

    async def close_shutters(self, why: str) -> None:
        """Close the laser shutter; the record of the watchdog shows why."""
        await self._laser.shutter.write("Closed")

    def _check_may_open(self) -> None:
        # A tripped watchdog needs a person: opening again by itself would undo what it is there for.
        if self.status.value == "Tripped":
            raise SimulationInputError(f"the laser shutter stays closed: no heartbeat; write 1 to {self.reset.pvname}")
        self.check_armed("the laser shutter stays")
