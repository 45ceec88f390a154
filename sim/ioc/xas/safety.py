"""Safety of the server, whatever clients request: watchdog, jet interlock, limits, and a record of refusals.

There are two state variables: the watchdog (`sim.ioc.safety.watchdog`), and the status, which is OK, JetStopped or
Tripped and decides whether shutters may open. Checks stand at three places: before a write (the session lock), before a
shutter opens, and before an axis moves. The jet, the fluence and the heartbeat can change while a shutter is open, so
they are watched as well.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any

from caproto import ChannelType
from caproto.server import pvproperty

from sim.errors import SimulationInputError
from sim.ioc.safety.session_lock import SessionLock
from sim.ioc.safety.watchdog import SessionWatchdog, text_record
from sim.ioc.xas.equipment.cell import RAW_HIGH_C, Cell
from sim.ioc.xas.equipment.environment import Environment
from sim.ioc.xas.equipment.laser import Laser, fluence_at
from sim.ioc.xas.equipment.monochromator import HIGH_KEV, LOW_KEV, Monochromator, bragg_angle_deg
from sim.ioc.xas.equipment.timing import Timing

FLUENCE_MAX_MJ_CM2 = 13.0
"""Largest fluence that may reach the sample (chosen: above the 12.4 mJ/cm2 of the paper, below what the laser can)."""

DELAY_LOW_PS = -160_000.0
"""Lowest nominal first delay that the raw delays may add up to (chosen: below any scan)."""

DELAY_HIGH_PS = 250_000.0
"""Highest nominal first delay (chosen: above any scan, within a pump period)."""

BRAGG_SLACK_DEG = 1e-6


def _limit(name: str, value: float, units: str, doc: str) -> Any:
    return pvproperty(
        name=name, value=value, record="ai", dtype=float, units=units, precision=3, read_only=True,
        doc=doc,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GuardedDevices:
    """The devices whose writes the safety system checks."""

    laser: Laser
    environment: Environment
    cell: Cell
    timing: Timing
    monochromator: Monochromator


class Safety(SessionWatchdog):
    """Safety system that closes shutters when necessary, refuses forbidden writes, and shows the reasons."""

    status = pvproperty(
        name="Status", value="OK", dtype=ChannelType.ENUM, record="mbbi", read_only=True,
        enum_strings=["OK", "JetStopped", "Tripped"], doc="Whether shutters may be open",
    )  # fmt: skip
    reason = text_record("Reason", "Why the shutters were last closed")
    fluence_max = _limit("FluenceMax", FLUENCE_MAX_MJ_CM2, "mJ/cm2", "Highest fluence with shutter open")
    energy_min = _limit("EnergyMinKev", LOW_KEV, "keV", "Lowest energy")
    energy_max = _limit("EnergyMaxKev", HIGH_KEV, "keV", "Highest energy")
    delay_min = _limit("DelayMinPs", DELAY_LOW_PS, "ps", "Lowest nominal first delay")
    delay_max = _limit("DelayMaxPs", DELAY_HIGH_PS, "ps", "Highest nominal first delay")
    cell_max = _limit("CellMaxC", RAW_HIGH_C, "C", "Highest set value of the cell, raw")

    def __init__(self, prefix: str, *, guarded: GuardedDevices, lock: SessionLock, **kwargs: Any) -> None:
        super().__init__(f"{prefix}7idd:safety:", lock=lock, **kwargs)
        self._laser = guarded.laser
        self._environment = guarded.environment
        self._cell = guarded.cell
        self._jet_was_good = True
        guarded.laser.interlock = self._check_laser_may_open
        guarded.environment.interlock = self._check_shutters_may_open
        guarded.laser.waveplate.interlock = self._check_plate
        guarded.timing.interlock = _check_delay
        guarded.monochromator.bragg.interlock = _check_bragg

    @property
    def jet_good(self) -> bool:
        """Whether the laser would hit a running sheet, or none because the cell is in its place."""
        return self._environment.jet_flowing or self._cell.in_beam

    async def check_jet(self) -> None:
        """Close the shutters when the flow has fallen below 60 ml/min with the jet in the beam."""
        # Only the change closes them: a person may open the X-ray shutter with the jet standing, to align something.
        good = self.jet_good
        was_good = self._jet_was_good
        self._jet_was_good = good
        if was_good and not good:
            await self.close_shutters("the jet stopped")
        if self.status.value != "Tripped" and good != was_good:
            await self.status.write("OK" if good else "JetStopped")

    def status_now(self) -> str:
        """Return the status that follows a reset: OK, or JetStopped."""
        return "OK" if self.jet_good else "JetStopped"

    async def look(self) -> None:
        """Trip if the fluence, mJ/cm2, is too high with the laser shutter open."""
        if self._laser.shutter_open and self._laser.fluence_mj_cm2 > 1.01 * FLUENCE_MAX_MJ_CM2:
            await self.trip(f"the fluence exceeded {FLUENCE_MAX_MJ_CM2:g} mJ/cm2", watchdog=False)

    @property
    def any_open(self) -> bool:
        """Whether laser or X-ray shutter is open."""
        return self._laser.shutter_open or self._environment.xray_shutter_open

    async def close_shutters(self, why: str) -> None:
        """Close both shutters at once, and show the reason."""
        await asyncio.gather(self._laser.shutter.write("Closed"), self._environment.xray_shutter.write("Closed"))
        failed = " The laser shutter did not close!" if self._laser.shutter_open else ""
        await self.reason.write(f"Shutters closed: {why}.{failed}")

    def _check_shutters_may_open(self) -> None:
        if self.status.value == "Tripped":
            raise SimulationInputError(
                f"shutters stay closed: {bytes_or_text(self.reason.value)} Write 1 to 7idd:safety:Reset first"
            )
        self.check_armed("shutters stay")

    def _check_laser_may_open(self) -> None:
        self._check_shutters_may_open()
        if not self.jet_good:
            raise SimulationInputError(
                "the laser shutter stays closed while the jet does not flow; start the jet first"
            )
        plate = self._laser.waveplate
        fluence = max(fluence_at(plate.dial_position), fluence_at(plate.target_dial))
        if fluence > FLUENCE_MAX_MJ_CM2:
            raise SimulationInputError(
                f"the laser shutter stays closed: {fluence:.2f} mJ/cm2 is more than {FLUENCE_MAX_MJ_CM2:g} mJ/cm2"
            )

    def _check_plate(self, dial_deg: float) -> None:
        if self._laser.shutter_open and fluence_at(dial_deg) > FLUENCE_MAX_MJ_CM2:
            raise SimulationInputError(
                f"the wave plate does not go to {fluence_at(dial_deg):.2f} mJ/cm2 while the laser shutter is open; at "
                f"most {FLUENCE_MAX_MJ_CM2:g} mJ/cm2"
            )


def bytes_or_text(value: Any) -> str:
    """Return the text of a record that may hold it as bytes; raises UnicodeDecodeError unless they are UTF-8."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_delay(nominal_ps: float) -> None:
    if not DELAY_LOW_PS <= nominal_ps <= DELAY_HIGH_PS:
        raise SimulationInputError(
            f"a nominal delay of {nominal_ps:g} ps is outside {DELAY_LOW_PS:g} to {DELAY_HIGH_PS:g} ps"
        )


def _check_bragg(dial_deg: float) -> None:
    low = bragg_angle_deg(HIGH_KEV * 1e3)
    high = bragg_angle_deg(LOW_KEV * 1e3)
    if not (math.isfinite(dial_deg) and low - BRAGG_SLACK_DEG <= dial_deg <= high + BRAGG_SLACK_DEG):
        raise SimulationInputError(
            f"a Bragg angle of {dial_deg:g} deg is outside {low:g} to {high:g} deg, {HIGH_KEV:g} to {LOW_KEV:g} keV"
        )
