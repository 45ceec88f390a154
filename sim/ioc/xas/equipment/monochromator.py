"""Diamond (111) monochromator: Kohzu energy records that drive a Bragg-angle motor record."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.mechanics import Mechanics
from sim.ioc.records.motor import MotorGroup
from sim.physics.constants import DIAMOND_111_D_ANGSTROM, HC_EV_ANGSTROM, HIGH_EV, LOW_EV

LOW_KEV = LOW_EV * 1e-3
"""Lowest energy of the simulated monochromator, keV."""

HIGH_KEV = HIGH_EV * 1e-3
"""Highest energy of the simulated monochromator, keV."""

START_KEV = 13.45

LONG_MOVE_EV = 200.0
"""Moves down that are longer than this leave backlash; those within one edge (up to 140 eV) never do (paper, SI 8)."""

SEATING_EV = 50.0
"""A move upwards of this length takes up the backlash (chosen: more than any step of a scan at one edge)."""

BRAGG_MOTOR = "7ida:m1"
"""Name of the Bragg-angle motor record (chosen, in the beamline's style)."""

READBACK_PERIOD_S = 0.1
"""Wall time between updates of the energy read-back while the angle moves; the Kohzu support scans at 10 Hz."""


def bragg_angle_deg(energy_ev: float) -> float:
    """Return the Bragg angle for `energy_ev` on diamond (111), degrees."""
    return math.degrees(math.asin(HC_EV_ANGSTROM / (2 * DIAMOND_111_D_ANGSTROM * energy_ev)))


def bragg_energy_ev(angle_deg: float) -> float:
    """Return the photon energy diffracted at `angle_deg`, eV."""
    return HC_EV_ANGSTROM / (2 * DIAMOND_111_D_ANGSTROM * math.sin(math.radians(angle_deg)))


class Seating:
    """Mechanical error of the drive: `backlash_ev` after a long move downwards, until a move upwards reseats it."""

    def __init__(self, backlash_ev: float) -> None:
        self._backlash_ev = backlash_ev
        self.offset_ev = 0.0

    def moved(self, start_deg: float, end_deg: float) -> None:
        """Update the error (eV) after a motion between two angles (degrees)."""
        # Three cases: a long move down loses contact in the drive, and the energy is off by the backlash from then on;
        # a move up that is longer than the play takes it out; any other move leaves the drive as it is. The motor
        # record reports each part of a move in one direction separately, so an overshoot from below ends with a move
        # up.
        change_ev = bragg_energy_ev(end_deg) - bragg_energy_ev(start_deg)
        if change_ev < -LONG_MOVE_EV:
            self.offset_ev = self._backlash_ev
        elif change_ev > SEATING_EV:
            self.offset_ev = 0.0


class Monochromator(PVGroup):
    """Energy in keV over the Bragg motor; put completion of the energy returns when the angle has arrived."""

    energy = pvproperty(
        name="7ida:BraggEAO", value=START_KEV, record="ao", dtype=float, units="keV", precision=5,
        lower_ctrl_limit=LOW_KEV, upper_ctrl_limit=HIGH_KEV, lower_disp_limit=LOW_KEV, upper_disp_limit=HIGH_KEV,
        doc="Monochromator energy setpoint",
    )  # fmt: skip
    energy_readback = pvproperty(
        name="7ida:BraggERdbkAO", value=START_KEV, record="ao", dtype=float, units="keV", precision=5, read_only=True,
        doc="Monochromator energy from angle",
    )  # fmt: skip
    theta_readback = pvproperty(
        name="7ida:BraggThetaRdbkAO", value=bragg_angle_deg(START_KEV * 1e3), record="ao", dtype=float, units="deg",
        precision=5, read_only=True, doc="Bragg angle",
    )  # fmt: skip
    moving = pvproperty(
        name="7ida:KohzuMoving", value="Done", dtype=ChannelType.ENUM, enum_strings=["Done", "Moving"], record="bi",
        read_only=True, doc="Monochromator is moving",
    )  # fmt: skip

    def __init__(self, prefix: str, *, clock: BeamClock, backlash_ev: float, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self.seating = Seating(backlash_ev)
        self.bragg = MotorGroup(
            prefix + BRAGG_MOTOR,
            clock=clock,
            description="Monochromator Bragg angle",
            mechanics=Mechanics(
                egu="deg",
                low=bragg_angle_deg(HIGH_KEV * 1e3),
                high=bragg_angle_deg(LOW_KEV * 1e3),
                velocity=0.25,
                acceleration_s=0.05,
                initial=bragg_angle_deg(START_KEV * 1e3),
                precision=6,
                resolution=1e-7,
            ),
            on_arrival=self.seating.moved,
        )
        self.pvdb.update(self.bragg.pvdb)

    @property
    def energy_ev(self) -> float:
        """Energy from the angle encoder, eV."""
        return bragg_energy_ev(self.bragg.dial_position)

    @energy.putter  # type: ignore[no-redef]
    async def energy(self, instance: Any, value: float) -> float:
        """Drive the angle to the energy; raises SimulationInputError for energies outside the travel."""
        if not LOW_KEV <= value <= HIGH_KEV:
            raise SimulationInputError(f"energy {value:g} keV is outside {LOW_KEV:g} to {HIGH_KEV:g} keV")
        await self.moving.write("Moving")
        try:
            await self.bragg.move_to(bragg_angle_deg(value * 1e3))
        finally:
            await self._publish_readback()
            await self.moving.write("Done")
        return value

    @energy_readback.startup  # type: ignore[no-redef]
    async def energy_readback(self, instance: Any, async_lib: Any) -> None:
        """Update the energy, keV, from the angle every 0.1 s of wall time, whatever moves it."""
        while True:
            await asyncio.sleep(READBACK_PERIOD_S)
            if abs(self.energy_ev * 1e-3 - self.energy_readback.value) > 1e-9:
                await self._publish_readback()

    async def _publish_readback(self) -> None:
        await self.theta_readback.write(self.bragg.dial_position)
        await self.energy_readback.write(self.energy_ev * 1e-3)
