"""The lock of the session that holds the beamline, and the writes that other clients may still make.

The owner is a connection, not a name: names are claims, and two sessions of one person have the same one. A session
that reconnects has a new address; it gets its lock back by writing the same text again, whose random id keeps two
sessions from writing the same text by accident. A holder without heartbeats for the time-out loses the lock. Any client
may stop a motor or close a shutter.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.errors import SimulationInputError
from sim.ioc.channel_access.access import WRITER, Client, means_zero

LOOK_PERIOD_S = 0.1

STATION = "7idd"
"""First part of the names of the beamline's own PVs."""

FREE_SUFFIXES = (".STOP",)
"""Fields that any client may write at any time: stopping is always safe."""

SHUTTERS = ("laser:Shutter", "xrayShutter:Set")
"""Shutters, which any client may close; names behind that of the station."""


class Silence:
    """Wall time since a client was last heard; time in which this server itself did not run does not count."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._looked_s = time.monotonic()

    def heard(self) -> None:
        """Restart the count of silence."""
        self.seconds = 0.0

    def look(self) -> float:
        """Count the time since the last call, which is due every LOOK_PERIOD_S, and return the seconds of silence."""
        now_s = time.monotonic()
        # A client that wrote while the server hung is served only after this check: the time that the server was away
        # must not count as the client's silence. So one check adds at most two of its own periods.
        self.seconds += min(now_s - self._looked_s, 2 * LOOK_PERIOD_S)
        self._looked_s = now_s
        return self.seconds


class SessionLock(PVGroup):
    """Lock of the connection that claimed it; it is released when its holder is silent for `timeout`.

    While it is held, writes of other connections are refused, except to stop a motor or close a shutter. The names of
    its PVs begin with that of the `station`.
    """

    holder = pvproperty(
        name="{station}:session:Holder",
        value="",
        record="stringout",
        dtype=ChannelType.STRING,
        doc="Session that holds the beamline",
    )
    heartbeat = pvproperty(
        name="{station}:session:HolderHeartbeat", value=0, record="longout", dtype=int, doc="Heartbeat of the holder"
    )
    timeout_s = pvproperty(
        name="{station}:session:TimeoutS", value=10.0, record="ao", dtype=float, units="s", precision=1,
        lower_ctrl_limit=0.2, upper_ctrl_limit=3600.0, doc="Lock expires after this silence, wall",
    )  # fmt: skip
    seen = pvproperty(
        name="{station}:session:HolderSeen", value="", record="stringin", dtype=ChannelType.STRING, read_only=True,
        doc="Holder's user and address, as seen here",
    )  # fmt: skip

    def __init__(self, prefix: str, *, station: str = STATION, **kwargs: Any) -> None:
        super().__init__(prefix, macros={"station": station}, **kwargs)
        self._macro = prefix
        self._heartbeat = f"{station}:session:HolderHeartbeat"
        # PVs with rules of their own, or with none.
        self._free = (f"{station}:sim:", f"{station}:session:Holder")
        self._shutters = tuple(f"{station}:{shutter}" for shutter in SHUTTERS)
        self._owner: Client | None = None
        self._silence = Silence()

    def check(self, name: str, data: Any, client: Client) -> None:
        """Raise SimulationInputError if another client holds the beamline and `name` is not free for all."""
        if self._owner is None or client.address == self._owner.address:
            return
        # Free for all: stopping a motor, closing a shutter, and claiming the lock, which `holder` judges itself.
        bare = name.removeprefix(self._macro)
        record = bare.removesuffix(".VAL")
        if bare.endswith(FREE_SUFFIXES) or (record.startswith(self._free) and record != self._heartbeat):
            return
        if record in self._shutters and means_zero(data, "Closed"):
            return
        raise SimulationInputError(
            f"{name} cannot be written by {client}: the beamline is held by {self.holder.value!r} ({self._owner}); "
            "wait until it is released, or ask its user to release it"
        )

    @holder.putter  # type: ignore[no-redef]
    async def holder(self, instance: Any, value: str) -> str:
        """Claim the lock, claim it again after a reconnection (the same text), or release it ("").

        Raises SimulationInputError if another session holds it.
        """
        client = WRITER.get()
        if client is None:
            return value
        # Claim, claim again after a reconnection (the same text, which holds a random id), or release. A stranger may
        # do none of these while the lock is held.
        mine = self._owner is None or client.address == self._owner.address
        if not mine and (value == "" or value != instance.value):
            raise SimulationInputError(
                f"the beamline is held by {instance.value!r} ({self._owner}); the lock expires after "
                f"{self.timeout_s.value:g} s without a heartbeat"
            )
        self._owner = client if value else None
        self._silence.heard()
        await self.seen.write(str(self._owner or "")[:39])
        return value

    @heartbeat.putter  # type: ignore[no-redef]
    async def heartbeat(self, instance: Any, value: int) -> int:
        """Keep the lock for another time-out, s of wall time."""
        self._silence.heard()
        return value

    @holder.startup  # type: ignore[no-redef]
    async def holder(self, instance: Any, async_lib: Any) -> None:
        """Release the lock of a holder that has been silent for the time-out; check every 0.1 s."""
        while True:
            await asyncio.sleep(LOOK_PERIOD_S)
            if self._silence.look() > self.timeout_s.value and self._owner is not None:
                self._owner = None
                await self.seen.write("")
                await self.holder.write("", verify_value=False)
