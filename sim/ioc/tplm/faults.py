"""The faults of the microscope: their PVs, what they act on, and the record of when they struck."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sim.clock import BeamClock
from sim.faults.fault import Fault
from sim.faults.records import FaultSwitches, fault_records
from sim.faults.strikes import Strike
from sim.ioc.channel_access.running_server import RunningServer
from sim.ioc.records.motor import MotorGroup
from sim.ioc.tplm.cryostat import Cryostat
from sim.ioc.tplm.disturbances import Disturbances
from sim.ioc.tplm.fault_kinds import TABLE
from sim.ioc.tplm.laser import DiodeLaser


class MicroscopeFaults(FaultSwitches):
    """Switches of all faults of the microscope."""

    table = TABLE
    locals().update(fault_records(TABLE))


class StrikeLog:
    """Record of strikes (`sim.faults.records.StrikeRecorder`) by the beam time of `clock`.

    Every fault of the microscope acts on a device, whose changes the photon timing notes by itself while an exposure
    runs. So an exposure is cut where a fault begins and ends without a record of strikes.
    """

    def __init__(self, clock: BeamClock) -> None:
        self._clock = clock

    def strike(self, fault: Fault) -> Strike:
        """Return a strike that begins now, at a beam time in s."""
        return Strike(fault=fault, start_s=self._clock.now_s())

    async def sample(self) -> None:
        """Wait forever: there is nothing to record."""
        await asyncio.Event().wait()


@dataclass(kw_only=True)
class MicroscopeDevices(RunningServer):
    """Targets of faults (`sim.faults.targets.MicroscopeTargets`) among the devices; `motors` by names without macro."""

    disturbances: Disturbances
    laser: DiodeLaser
    cryostat: Cryostat
    motors: Mapping[str, MotorGroup]
    _rates_mhz: tuple[float, float] | None = None  # before the change by hand, and after it

    async def disturb(self, name: str, value: float | str) -> None:
        """Write the switch of a disturbance, in its unit; raises AttributeError for an unknown one."""
        # A fault writes the switch that a user may write too, so both act in the same way, and one ends the other.
        await getattr(self.disturbances, name).write(value)

    async def change_rate(self, rate_mhz: float) -> None:
        """Set the repetition rate of the laser, MHz, at the laser alone."""
        self._rates_mhz = (float(self.laser.rate.value), rate_mhz)
        await self.laser.rate.write(rate_mhz)

    async def restore_rate(self) -> None:
        """Set the rate before `change_rate`, unless somebody has set another one since."""
        before, changed = self._rates_mhz or (0.0, 0.0)
        self._rates_mhz = None
        if changed and float(self.laser.rate.value) == changed:
            await self.laser.rate.write(before)

    def swing_cryostat(self, amplitude_k: float, period_s: float) -> None:
        """Make the temperature of the sample oscillate, amplitude in K and period in s; amplitude 0 ends it."""
        self.cryostat.fault_swing(amplitude_k, period_s)

    def stall_motor(self, motor: str, *, hangs: bool) -> None:
        """Block a motor; with `hangs` it never reports the end of a move. Raises KeyError for an unknown motor."""
        self.motors[motor].fault_hung = hangs
        self.motors[motor].fault_stalled = True

    def free_motor(self, motor: str) -> None:
        """Let a motor move again; raises KeyError for an unknown motor."""
        self.motors[motor].fault_hung = False
        self.motors[motor].fault_stalled = False
