"""Thermostated cell with dry powder, and the stage that puts jet or cell into the beam."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.physics.thermal import AMBIENT_C, Thermostat

RAW_LOW_C = 20.0
"""Lowest set value of the controller, in its own reading."""

RAW_HIGH_C = 170.0
"""Highest set value of the controller, in its own reading: enough for a true temperature of 160 C."""

HEATER_END_C = 200.0
"""Final temperature of the cell with the heater always on, C (chosen)."""

RAMP_LOW_C_MIN = 0.1

RAMP_HIGH_C_MIN = 60.0

THERMOCOUPLE_GAIN = 1.02
"""Gain error of the thermocouple (chosen): it shows gain x true + offset."""

THERMOCOUPLE_OFFSET_C = 1.5
"""Offset error of the thermocouple, C (chosen)."""

PUBLISH_PERIOD_S = 0.05
"""Wall time between updates of the thermocouple; a beamline that runs fast must not wait for it."""

STAGE_TIME_S = 2.0
"""Beam time in which the stage exchanges jet and cell (chosen)."""


def raw_from_true(temperature_c: float) -> float:
    """Return the reading of the thermocouple at a true temperature, C."""
    return THERMOCOUPLE_GAIN * temperature_c + THERMOCOUPLE_OFFSET_C


def true_from_raw(raw_c: float) -> float:
    """Return the true temperature at which the thermocouple shows `raw_c`, C."""
    return (raw_c - THERMOCOUPLE_OFFSET_C) / THERMOCOUPLE_GAIN


class Cell(PVGroup):
    """Controller of the cell; it regulates by its own thermocouple, which is miscalibrated."""

    setpoint = pvproperty(
        name="7idd:cell:Setpoint", value=27.0, record="ao", dtype=float, units="C", precision=2,
        lower_ctrl_limit=RAW_LOW_C, upper_ctrl_limit=RAW_HIGH_C, doc="Cell set value, in its raw reading",
    )  # fmt: skip
    ramp = pvproperty(
        name="7idd:cell:RampRate", value=20.0, record="ao", dtype=float, units="C/min", precision=1,
        lower_ctrl_limit=RAMP_LOW_C_MIN, upper_ctrl_limit=RAMP_HIGH_C_MIN, doc="Cell ramp",
    )  # fmt: skip
    heater = pvproperty(
        name="7idd:cell:Heater", value="Off", dtype=ChannelType.ENUM, enum_strings=["Off", "On"], record="bo",
        doc="Cell heater",
    )  # fmt: skip
    thermocouple = pvproperty(
        name="7idd:cell:TemperatureAI", value=raw_from_true(AMBIENT_C), record="ai", dtype=float, units="C",
        precision=3, read_only=True, doc="Cell thermocouple, raw reading",
    )  # fmt: skip
    tolerance = pvproperty(
        name="7idd:cell:Tolerance", value=0.5, record="ao", dtype=float, units="C", precision=2,
        lower_ctrl_limit=0.01, upper_ctrl_limit=20.0, doc="Cell in-position band, half width",
    )  # fmt: skip
    settle = pvproperty(
        name="7idd:cell:SettleTime", value=10.0, record="ao", dtype=float, units="s", precision=1,
        lower_ctrl_limit=0.0, upper_ctrl_limit=3600.0, doc="Cell settling time in its band",
    )  # fmt: skip
    in_position = pvproperty(
        name="7idd:cell:InPosition", value="No", dtype=ChannelType.ENUM, enum_strings=["No", "Yes"], record="bi",
        read_only=True, doc="Cell has settled in its band",
    )  # fmt: skip
    select = pvproperty(
        name="7idd:sample:Select", value="Jet", dtype=ChannelType.ENUM, enum_strings=["Jet", "Cell"], record="bo",
        doc="Sample in the beam, set",
    )  # fmt: skip
    selected = pvproperty(
        name="7idd:sample:Status", value="Jet", dtype=ChannelType.ENUM, enum_strings=["Jet", "Cell"], record="bi",
        read_only=True, doc="Sample in the beam, actual",
    )  # fmt: skip

    def __init__(self, prefix: str, *, clock: BeamClock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._dead = False
        self._runaway_c_min = 0.0
        self._swing = (0.0, 1.0, 0.0)
        self._in_band_since_s: float | None = None
        self._thermostat = Thermostat(
            target_c=true_from_raw(self.setpoint.value), ramp_c_min=self.ramp.value, now_s=clock.now_s()
        )

    @property
    def temperature_c(self) -> float:
        """True temperature of the powder, C."""
        amplitude_c, period_s, since_s = self._swing
        now_s = self._clock.now_s()
        swing_c = amplitude_c * math.sin(2 * math.pi * (now_s - since_s) / period_s)
        return self._thermostat.temperature_c(now_s) + swing_c

    @property
    def in_beam(self) -> bool:
        """Whether the cell is in the X-rays, in place of the jet."""
        return bool(self.selected.value == "Cell")

    @property
    def fault_heater_dead(self) -> bool:
        """Whether the heater is broken: it shows On and gives no heat, so that no temperature settles; settable."""
        return self._dead

    @fault_heater_dead.setter
    def fault_heater_dead(self, dead: bool) -> None:
        self._dead = dead
        self._program()

    def fault_runaway(self, c_per_min: float) -> None:
        """Leave the heater on, so that the cell warms at `c_per_min`, C per minute; 0 repairs it."""
        self._runaway_c_min = c_per_min
        self._program()

    def fault_swing(self, amplitude_c: float, period_s: float) -> None:
        """Make the temperature oscillate, amplitude in C and period in s; an amplitude of 0 repairs it."""
        self._swing = (amplitude_c, period_s, self._clock.now_s())

    def _program(self, **changes: Any) -> None:
        """Follow the settings, with `changes` that are being written."""
        # caproto stores a value only after its putter has returned, so the record still holds the old value here.
        values = {"raw_c": self.setpoint.value, "ramp_c_min": self.ramp.value, "heater": self.heater.value} | changes
        self._in_band_since_s = None
        if self._runaway_c_min:
            self._thermostat.program(
                self._clock.now_s(), target_c=HEATER_END_C, ramp_c_min=self._runaway_c_min, heating=True
            )
            return
        self._thermostat.program(
            self._clock.now_s(),
            target_c=true_from_raw(values["raw_c"]),
            ramp_c_min=values["ramp_c_min"],
            heating=values["heater"] == "On" and not self._dead,
        )

    @setpoint.putter  # type: ignore[no-redef]
    async def setpoint(self, instance: Any, value: float) -> float:
        """Start towards a temperature, C in the raw reading; put completion returns at once, as with real controllers.

        Raises SimulationInputError outside the range of the controller.
        """
        _check("cell set value", value, RAW_LOW_C, RAW_HIGH_C, "C")
        self._program(raw_c=value)
        await self.in_position.write("No")
        return value

    @ramp.putter  # type: ignore[no-redef]
    async def ramp(self, instance: Any, value: float) -> float:
        """Change the slope of the ramp, also during a ramp; raises SimulationInputError beyond 0.1 to 60 C/min."""
        _check("cell ramp", value, RAMP_LOW_C_MIN, RAMP_HIGH_C_MIN, "C/min")
        self._program(ramp_c_min=value)
        return value

    @heater.putter  # type: ignore[no-redef]
    async def heater(self, instance: Any, value: str) -> str:
        """Switch the heater; without it the cell approaches the ambient temperature, 22 C."""
        self._program(heater=value)
        await self.in_position.write("No")
        return value

    @select.putter  # type: ignore[no-redef]
    async def select(self, instance: Any, value: str) -> str:
        """Exchange jet and cell; put completion returns when the stage has arrived, after 2 s of beam."""
        await self._clock.sleep(STAGE_TIME_S)
        await self.selected.write(value)
        return value

    @thermocouple.startup  # type: ignore[no-redef]
    async def thermocouple(self, instance: Any, async_lib: Any) -> None:
        """Show the temperature, C in the raw reading, and whether it has settled, every 50 ms of wall time."""
        while True:
            raw_c = raw_from_true(self.temperature_c)
            if raw_c != instance.value:
                await instance.write(raw_c)
            settled = "Yes" if self._settled(raw_c) else "No"
            if settled != self.in_position.value:
                await self.in_position.write(settled)
            await asyncio.sleep(PUBLISH_PERIOD_S)

    def _settled(self, raw_c: float) -> bool:
        # The controller judges by its own thermocouple, as a real one does, so "in position" means the right reading
        # and not the right temperature. Leaving the band, or a new set value, starts the settling time again.
        now_s = self._clock.now_s()
        if self.heater.value != "On" or abs(raw_c - self.setpoint.value) > self.tolerance.value:
            self._in_band_since_s = None
            return False
        if self._in_band_since_s is None:
            self._in_band_since_s = now_s
        return now_s - self._in_band_since_s >= float(self.settle.value)


def _check(what: str, value: float, low: float, high: float, unit: str) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise SimulationInputError(f"{what} {value:g} {unit} is outside {low:g} to {high:g} {unit}")
