"""The devices of the simulated beamline, as faults act on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.ioc.channel_access.running_server import RunningServer
from sim.ioc.records.motor import MotorGroup
from sim.ioc.xas.detectors.acquisition import Acquisition
from sim.ioc.xas.detectors.pilatus import Pilatus
from sim.ioc.xas.equipment.cell import Cell
from sim.ioc.xas.equipment.environment import Environment
from sim.ioc.xas.equipment.laser import Laser
from sim.ioc.xas.equipment.timing import Timing


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
