"""What faults do to the simulated devices and to the network, beside their physics."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sim.errors import SimulationInputError
from sim.ioc.acquisition import Acquisition
from sim.ioc.cell import Cell
from sim.ioc.environment import Environment
from sim.ioc.laser import Laser
from sim.ioc.motor import MotorGroup
from sim.ioc.pilatus import Pilatus
from sim.ioc.timing import Timing
from sim.physics import device_faults as faults
from sim.physics.fault import Fault

REPLY_S = 0.1
"""Wall time in which the server still answers the client that struck it down."""

Effect = Callable[[Any], Any]


class Network(Protocol):
    """What faults need of the server."""

    async def hide(self, name: str) -> None:
        """Disconnect a record; "" brings it back."""

    def mute(self, name: str) -> None:
        """Stop the monitors of a record, or, for "", of all."""

    async def unmute(self) -> None:
        """Let monitors go on."""


class FaultEffects:
    """Begins and ends the effects of faults; `motors` by their names without the macro.

    `network` and `die(seconds, other_port)`, which ends the server and starts it again, have to be set before anything
    strikes.
    """

    def __init__(
        self,
        macro: str,
        *,
        acquisition: Acquisition,
        cell: Cell,
        environment: Environment,
        laser: Laser,
        motors: Mapping[str, MotorGroup],
        pilatus: Pilatus,
        timing: Timing,
        has_pv: Callable[[str], bool],
    ) -> None:
        self._macro, self._motors, self._has_pv = macro, motors, has_pv
        self._acquisition, self._cell, self._environment = acquisition, cell, environment
        self._laser, self._pilatus, self._timing = laser, pilatus, timing
        self.network: Network
        self.die: Callable[[float, bool], None]
        self._pairs: dict[type[Fault], tuple[Effect, Effect]] = {
            faults.LaserShutterStuck: (lambda _: self._stick_shutter(stuck=True),
                                       lambda _: self._stick_shutter(stuck=False)),
            faults.XrayShutterCloses: (lambda _: environment.take_permit(), lambda _: environment.give_permit()),
            faults.DelayJump: (self._jump, lambda _: timing.show_jump(0.0)),
            faults.MotorStall: (self._stall, self._free),
            faults.DetectorStuck: (lambda _: self._stick_scalers(stuck=True),
                                   lambda _: self._stick_scalers(stuck=False)),
            faults.FrameStale: (lambda fault: self._keep_frames(fault.detector), lambda _: self._keep_frames("")),
            faults.PvGone: (lambda fault: self.network.hide(self._macro + fault.pv), lambda _: self.network.hide("")),
            faults.MonitorsStop: (lambda fault: self.network.mute(self._macro + fault.pv if fault.pv else ""),
                                  lambda _: self.network.unmute()),
            faults.CellRunaway: (lambda fault: cell.fault_runaway(fault.c_per_min), lambda _: cell.fault_runaway(0.0)),
            faults.CellUnsettled: (lambda fault: cell.fault_swing(fault.amplitude_c, fault.period_s),
                                   lambda _: cell.fault_swing(0.0, 1.0)),
            faults.PilatusDead: (lambda _: self._hang_pilatus(hangs=True), lambda _: self._hang_pilatus(hangs=False)),
            faults.DiskFull: (lambda _: self._fill_disk(full=True), lambda _: self._fill_disk(full=False)),
        }  # fmt: skip

    def check(self, fault: Fault) -> None:
        """Raise SimulationInputError if `fault` is about a PV that this beamline does not have."""
        name = getattr(fault, "pv", "")
        if (name or isinstance(fault, faults.PvGone)) and not self._has_pv(self._macro + name):
            raise SimulationInputError(
                f"{type(fault).__name__}: there is no record {self._macro}{name!r}; give its name without the macro"
            )

    async def begin(self, fault: Fault, duration_s: float) -> None:
        """Let `fault` have its effect; `duration_s` matters to those that end with the server asleep or dead."""
        if isinstance(fault, faults.IocFreeze):
            # Nothing of this process may run meanwhile, as in one that the system has stopped.
            asyncio.get_running_loop().call_later(REPLY_S, time.sleep, duration_s)
        elif isinstance(fault, faults.IocDeath):
            asyncio.get_running_loop().call_later(REPLY_S, self.die, duration_s, bool(fault.other_port))
        else:
            await self._act(fault, 0)

    async def end(self, fault: Fault) -> None:
        """Undo what `begin` did."""
        await self._act(fault, 1)

    async def _act(self, fault: Fault, which: int) -> None:
        if type(fault) in self._pairs:
            pending = self._pairs[type(fault)][which](fault)
            if inspect.isawaitable(pending):
                await pending

    def _stick_shutter(self, *, stuck: bool) -> None:
        self._laser.fault_shutter_stuck = stuck

    def _jump(self, fault: faults.DelayJump) -> Any:
        return self._timing.show_jump(fault.jump_ps * fault.shown)

    def _stall(self, fault: faults.MotorStall) -> None:
        motor = self._motors[fault.motor]
        motor.fault_hung, motor.fault_stalled = not fault.done, True

    def _free(self, fault: faults.MotorStall) -> None:
        motor = self._motors[fault.motor]
        motor.fault_stalled = motor.fault_hung = False

    def _stick_scalers(self, *, stuck: bool) -> None:
        for scaler in (self._acquisition.master, self._acquisition.spc):
            scaler.fault_stuck = stuck

    def _keep_frames(self, detector: str) -> None:
        self._acquisition.fault_stale = detector

    def _hang_pilatus(self, *, hangs: bool) -> None:
        self._pilatus.camera.fault_stuck = hangs

    def _fill_disk(self, *, full: bool) -> None:
        self._pilatus.hdf5.fault_disk_full = full
