"""The devices and the server of the simulated beamline, as faults act on them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sim.errors import SimulationInputError
from sim.ioc.acquisition import Acquisition
from sim.ioc.cell import Cell
from sim.ioc.environment import Environment
from sim.ioc.laser import Laser
from sim.ioc.motor import MotorGroup
from sim.ioc.pilatus import Pilatus
from sim.ioc.timing import Timing

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


@dataclass(kw_only=True)
class DeviceTargets(RunningServer):
    """Targets of faults (`sim.faults.targets.FaultTargets`) among the devices of the beamline.

    `motors` by their names without the macro.
    """

    acquisition: Acquisition
    cell: Cell
    environment: Environment
    laser: Laser
    motors: Mapping[str, MotorGroup]
    pilatus: Pilatus
    timing: Timing

    def stick_laser_shutter(self, *, stuck: bool) -> None:
        """Make the laser shutter ignore writes, or obey them again."""
        self.laser.fault_shutter_stuck = stuck

    async def revoke_xray_permit(self) -> None:
        """Revoke the permit of the X-ray interlock, which closes the shutter."""
        await self.environment.take_permit()

    async def grant_xray_permit(self) -> None:
        """Grant the permit again; the shutter stays closed."""
        await self.environment.give_permit()

    async def show_delay_jump(self, jump_ps: float) -> None:
        """Shift the read-back of the phase shifter by `jump_ps`, ps; 0 ends it."""
        await self.timing.show_jump(jump_ps)

    def stall_motor(self, motor: str, *, hangs: bool) -> None:
        """Block a motor; with `hangs` it never reports the end of a move. Raises KeyError for an unknown motor."""
        self.motors[motor].fault_hung = hangs
        self.motors[motor].fault_stalled = True

    def free_motor(self, motor: str) -> None:
        """Let a motor move again; raises KeyError for an unknown motor."""
        self.motors[motor].fault_hung = False
        self.motors[motor].fault_stalled = False

    def stick_scalers(self, *, stuck: bool) -> None:
        """Make counting continue until it is stopped, or end after the preset seconds again."""
        self.acquisition.master.fault_stuck = stuck
        self.acquisition.spc.fault_stuck = stuck

    def freeze_frames(self, detector: str) -> None:
        """Leave the frames of "spc", "boxcar" or "both" at the counts of the previous exposure; "" ends it."""
        self.acquisition.fault_stale = detector

    def heat_cell(self, c_per_min: float) -> None:
        """Heat the cell at this rate, C per minute, despite its setpoint; 0 ends it."""
        self.cell.fault_runaway(c_per_min)

    def swing_cell(self, amplitude_c: float, period_s: float) -> None:
        """Make the temperature of the cell oscillate, amplitude in C and period in s; amplitude 0 ends it."""
        self.cell.fault_swing(amplitude_c, period_s)

    def hang_pilatus(self, *, hangs: bool) -> None:
        """Make the area detector hang in its acquisition, or work again."""
        self.pilatus.camera.fault_stuck = hangs

    def fill_disk(self, *, full: bool) -> None:
        """Make writing images fail as on a full disk, or succeed again."""
        self.pilatus.hdf5.fault_disk_full = full
