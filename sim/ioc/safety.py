"""Safety of the server, whatever clients request: watchdog, jet interlock, limits, and a record of refusals.

Watchdogs run on wall time: a dead session is gone, however fast the beamline is simulated.

There are two state variables. The watchdog is Disarmed, Armed (by the first heartbeat) or Tripped (armed, silent for
the time-out, and a shutter open). The status is OK, JetStopped or Tripped, and decides whether shutters may open. A
trip holds until the reset, whatever else happens; a reset neither closes nor opens anything. Checks stand at three
places: before a write (the session lock), before a shutter opens, and before an axis moves. The jet, the fluence and
the heartbeat can change while a shutter is open, so they are watched as well.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any

from caproto import AlarmSeverity, AlarmStatus, ChannelType
from caproto.server import PVGroup, pvproperty

from sim.errors import SimulationInputError
from sim.ioc.access import Client
from sim.ioc.cell import RAW_HIGH_C, Cell
from sim.ioc.environment import Environment
from sim.ioc.laser import Laser, fluence_at
from sim.ioc.monochromator import HIGH_KEV, LOW_KEV, Monochromator, bragg_angle_deg
from sim.ioc.session_lock import LOOK_PERIOD_S, SessionLock, Silence
from sim.ioc.timing import Timing

FLUENCE_MAX_MJ_CM2 = 13.0
"""Most that may reach the sample (chosen: above the 12.4 mJ/cm2 of the paper, below what the laser can)."""

DELAY_LOW_PS = -160_000.0
"""Lowest nominal first delay that the raw delays may add up to (chosen: below any scan)."""

DELAY_HIGH_PS = 250_000.0
"""Highest nominal first delay (chosen: above any scan, within a pump period)."""

BRAGG_SLACK_DEG = 1e-6

TEXT_LENGTH = 256
NONE = "none"


def _limit(name: str, value: float, units: str, doc: str) -> Any:
    return pvproperty(
        name=f"7idd:safety:{name}", value=value, record="ai", dtype=float, units=units, precision=3, read_only=True,
        doc=doc,
    )  # fmt: skip


def _text(name: str, doc: str) -> Any:
    return pvproperty(
        name=f"7idd:safety:{name}", value=NONE, dtype=ChannelType.CHAR, max_length=TEXT_LENGTH, read_only=True, doc=doc
    )


@dataclass(frozen=True, kw_only=True)
class GuardedDevices:
    """The devices whose writes the safety system checks."""

    laser: Laser
    environment: Environment
    cell: Cell
    timing: Timing
    monochromator: Monochromator


class Safety(PVGroup):
    """Safety system that closes shutters when necessary, refuses forbidden writes, and shows the reasons."""

    heartbeat = pvproperty(
        name="7idd:safety:Heartbeat",
        value=0,
        record="longout",
        dtype=int,
        doc="Session heartbeat; the first write arms",
    )
    timeout_s = pvproperty(
        name="7idd:safety:TimeoutS", value=10.0, record="ao", dtype=float, units="s", precision=1,
        lower_ctrl_limit=0.2, upper_ctrl_limit=3600.0, doc="Shutters close after this silence, wall",
    )  # fmt: skip
    disarm = pvproperty(name="7idd:safety:Disarm", value=0, record="longout", dtype=int, doc="1 disarms the watchdog")
    reset = pvproperty(name="7idd:safety:Reset", value=0, record="longout", dtype=int, doc="1 resets a trip")
    watchdog = pvproperty(
        name="7idd:safety:Watchdog", value="Disarmed", dtype=ChannelType.ENUM, record="mbbi", read_only=True,
        enum_strings=["Disarmed", "Armed", "Tripped"], doc="Watchdog of the session",
    )  # fmt: skip
    status = pvproperty(
        name="7idd:safety:Status", value="OK", dtype=ChannelType.ENUM, record="mbbi", read_only=True,
        enum_strings=["OK", "JetStopped", "Tripped"], doc="Whether shutters may be open",
    )  # fmt: skip
    reason = _text("Reason", "Why the shutters were last closed")
    refusals = pvproperty(
        name="7idd:safety:Refusals", value=0, record="longin", dtype=int, read_only=True, doc="Writes refused so far"
    )
    last_refusal = _text("LastRefusal", "Latest refused write, and the reason")
    fluence_max = _limit("FluenceMax", FLUENCE_MAX_MJ_CM2, "mJ/cm2", "Highest fluence with shutter open")
    energy_min = _limit("EnergyMinKev", LOW_KEV, "keV", "Lowest energy")
    energy_max = _limit("EnergyMaxKev", HIGH_KEV, "keV", "Highest energy")
    delay_min = _limit("DelayMinPs", DELAY_LOW_PS, "ps", "Lowest nominal first delay")
    delay_max = _limit("DelayMaxPs", DELAY_HIGH_PS, "ps", "Highest nominal first delay")
    cell_max = _limit("CellMaxC", RAW_HIGH_C, "C", "Highest set value of the cell, raw")

    def __init__(self, prefix: str, *, guarded: GuardedDevices, lock: SessionLock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._laser = guarded.laser
        self._environment = guarded.environment
        self._cell = guarded.cell
        self._lock = lock
        self._silence = Silence()
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

    def check(self, name: str, data: Any, client: Client) -> None:
        """Raise SimulationInputError if the session lock refuses the write."""
        self._lock.check(name, data, client)

    async def refused(self, name: str, client: Client, error: Exception) -> None:
        """Show which write was refused, in MINOR alarm until the next reset; raises nothing."""
        await self.refusals.write(self.refusals.value + 1)
        await self.last_refusal.write(f"{client} wrote {name}: {error}"[: TEXT_LENGTH - 1])
        await self.last_refusal.alarm.write(status=AlarmStatus.STATE, severity=AlarmSeverity.MINOR_ALARM)

    async def check_jet(self) -> None:
        """Close the shutters when the flow has fallen below 60 ml/min with the jet in the beam."""
        # Only the change closes them: a person may open the X-ray shutter with the jet standing, to align something.
        good = self.jet_good
        was_good = self._jet_was_good
        self._jet_was_good = good
        if was_good and not good:
            await self._close("the jet stopped")
        if self.status.value != "Tripped" and good != was_good:
            await self.status.write("OK" if good else "JetStopped")

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
        """Reset a trip; the shutters stay closed, and the next heartbeat arms the watchdog again."""
        if value:
            if self.watchdog.value == "Tripped":
                await self.watchdog.write("Disarmed")
            await self.status.write("OK" if self.jet_good else "JetStopped")
            await self.last_refusal.alarm.write(status=AlarmStatus.NO_ALARM, severity=AlarmSeverity.NO_ALARM)
        return 0

    @heartbeat.startup  # type: ignore[no-redef]
    async def heartbeat(self, instance: Any, async_lib: Any) -> None:
        """Check the heartbeats and the fluence, mJ/cm2, every 0.1 s of wall time, and trip if necessary."""
        while True:
            await asyncio.sleep(LOOK_PERIOD_S)
            silent_s = self._silence.look()
            if self.watchdog.value == "Armed" and silent_s > self.timeout_s.value and self._any_open:
                await self._trip(f"no heartbeat for {self.timeout_s.value:g} s", watchdog=True)
            elif self._laser.shutter_open and self._laser.fluence_mj_cm2 > 1.01 * FLUENCE_MAX_MJ_CM2:
                await self._trip(f"the fluence exceeded {FLUENCE_MAX_MJ_CM2:g} mJ/cm2", watchdog=False)

    @property
    def _any_open(self) -> bool:
        return self._laser.shutter_open or self._environment.xray_shutter_open

    async def _trip(self, why: str, *, watchdog: bool) -> None:
        # The status is written before the shutters close: from this moment on nothing may be opened again.
        await self.status.write("Tripped")
        if watchdog:
            await self.watchdog.write("Tripped")
        await self._close(why)

    async def _close(self, why: str) -> None:
        """Close both shutters at once, and show the reason."""
        await asyncio.gather(self._laser.shutter.write("Closed"), self._environment.xray_shutter.write("Closed"))
        failed = " The laser shutter did not close!" if self._laser.shutter_open else ""
        await self.reason.write(f"Shutters closed: {why}.{failed}")

    def _check_shutters_may_open(self) -> None:
        if self.status.value == "Tripped":
            raise SimulationInputError(
                f"shutters stay closed: {bytes_or_text(self.reason.value)} Write 1 to 7idd:safety:Reset first"
            )
        if self.watchdog.value == "Armed" and self._silence.seconds > self.timeout_s.value:
            raise SimulationInputError(
                "shutters stay closed: the watchdog is armed and gets no heartbeat; write 7idd:safety:Heartbeat or "
                "7idd:safety:Disarm"
            )

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
