"""The running server, as faults act on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sim.errors import SimulationInputError

REPLY_S = 0.1
"""Time in which the server still answers the client that switched on its freeze or death, s of wall time."""


class Network(Protocol):
    """The part of the server on which faults act."""

    async def hide(self, name: str) -> None:
        """Disconnect a record; "" reconnects it."""

    def mute(self, name: str) -> None:
        """Stop the monitors of a record, or of all for ""."""

    async def unmute(self) -> None:
        """Send monitors again."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """The running server: its `network`, and `restart(dead_s, other_port)`, which ends this program."""

    network: Network
    restart: Callable[[float, bool], None]


@dataclass(kw_only=True)
class RunningServer:
    """Targets of the faults of the server (`sim.faults.targets.ServerTargets`), whose PVs have the prefix `macro`.

    `known_pv` returns whether there is a PV of a full name. `server` is None until the server runs; faults of the
    server and of the network need it, faults of devices do not.
    """

    macro: str
    known_pv: Callable[[str], bool]
    server: Server | None = None

    def has_pv(self, pv: str) -> bool:
        """Return whether there is a record, or a field of one, of that name without the macro."""
        return self.known_pv(self.macro + pv)

    async def hide_pv(self, pv: str) -> None:
        """Disconnect a record; "" reconnects it. Raises SimulationInputError before the server runs."""
        await self._running_server().network.hide(self.macro + pv if pv else "")

    def mute_monitors(self, pv: str) -> None:
        """Stop the monitors of a record, or of all for ""; raises SimulationInputError before the server runs."""
        self._running_server().network.mute(self.macro + pv if pv else "")

    async def unmute_monitors(self) -> None:
        """Send monitors again; raises SimulationInputError before the server runs."""
        await self._running_server().network.unmute()

    def freeze_server(self, wall_s: float) -> None:
        """Stop the whole server for `wall_s` seconds of wall time, as a process that the system has stopped."""
        asyncio.get_running_loop().call_later(REPLY_S, time.sleep, wall_s)

    def kill_server(self, wall_s: float, *, other_port: bool) -> None:
        """End the server, and restart it after `wall_s` seconds of wall time (infinite: never)."""
        asyncio.get_running_loop().call_later(REPLY_S, self._running_server().restart, wall_s, other_port)

    def _running_server(self) -> Server:
        if self.server is None:
            raise SimulationInputError("The server does not run yet; faults of server and network need it. Try again.")
        return self.server
