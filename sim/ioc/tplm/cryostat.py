"""The cryostat: a temperature controller with the record names of the public Lakeshore 335 support."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.physics.thermal import ZERO_C_IN_K, Thermostat

ROOM_K = 296.0
BASE_K = 4.0
"""Temperatures of the sample at the start, and with the cooler alone, K."""

LOW_K = 4.0
HIGH_K = 325.0

RAMP_HIGH_K_MIN = 100.0
"""Fastest ramp, K/min: the limit of the controller."""

NO_RAMP_K_MIN = 600.0
"""Slope with the ramp switched off, K/min: the sample follows as fast as it can (chosen)."""

HEATERS = ["OFF", "LOW", "MEDIUM", "HIGH"]

PUBLISH_PERIOD_S = 0.05
"""Wall time between updates of the sensors; a beamline that runs fast must not wait for them."""


class Cryostat(PVGroup):
    """Controller of the cold stage: sensor 1 at the sample, sensor 2 at the cold finger, output 1 heats."""

    sample = pvproperty(
        name="tplm:LS335:TC1:IN1", value=ROOM_K, record="ai", dtype=float, units="K", precision=3, read_only=True,
        doc="Temperature of the sample",
    )  # fmt: skip
    finger = pvproperty(
        name="tplm:LS335:TC1:IN2", value=ROOM_K, record="ai", dtype=float, units="K", precision=3, read_only=True,
        doc="Temperature of the cold finger",
    )  # fmt: skip
    setpoint = pvproperty(
        name="tplm:LS335:TC1:OUT1:SP", value=ROOM_K, record="ao", dtype=float, units="K", precision=3,
        lower_ctrl_limit=LOW_K, upper_ctrl_limit=HIGH_K, doc="Set value of output 1",
    )  # fmt: skip
    setpoint_readback = pvproperty(
        name="tplm:LS335:TC1:OUT1:SP_RBV", value=ROOM_K, record="ai", dtype=float, units="K", precision=3,
        read_only=True, doc="Set value of output 1, actual",
    )  # fmt: skip
    ramp = pvproperty(
        name="tplm:LS335:TC1:RampR1", value=2.0, record="ao", dtype=float, units="K/min", precision=1,
        lower_ctrl_limit=0.0, upper_ctrl_limit=RAMP_HIGH_K_MIN, doc="Ramp of output 1",
    )  # fmt: skip
    ramp_on = pvproperty(
        name="tplm:LS335:TC1:OnRamp1", value="Off", dtype=ChannelType.ENUM, enum_strings=["Off", "On"], record="bo",
        doc="Ramp of output 1 is used",
    )  # fmt: skip
    heater_range = pvproperty(
        name="tplm:LS335:TC1:HTR1:Range", value="HIGH", dtype=ChannelType.ENUM, enum_strings=HEATERS, record="mbbo",
        doc="Heater range of output 1",
    )  # fmt: skip
    heater_range_readback = pvproperty(
        name="tplm:LS335:TC1:HTR1:Range_RBV", value="HIGH", dtype=ChannelType.ENUM, enum_strings=HEATERS,
        record="mbbi", read_only=True, doc="Heater range of output 1, actual",
    )  # fmt: skip
    heater = pvproperty(
        name="tplm:LS335:TC1:HTR1", value=0.0, record="ai", dtype=float, units="%", precision=1, read_only=True,
        doc="Heater power of output 1",
    )  # fmt: skip
    gain_p = pvproperty(name="tplm:LS335:TC1:P1", value=50.0, record="ao", dtype=float, precision=1, doc="Gain P")
    gain_i = pvproperty(name="tplm:LS335:TC1:I1", value=20.0, record="ao", dtype=float, precision=1, doc="Gain I")
    gain_d = pvproperty(name="tplm:LS335:TC1:D1", value=0.0, record="ao", dtype=float, precision=1, doc="Gain D")
    manual = pvproperty(
        name="tplm:LS335:TC1:OUT1:MOUT", value=0.0, record="ao", dtype=float, units="%", precision=1,
        doc="Manual output 1",
    )  # fmt: skip
    mode = pvproperty(
        name="tplm:LS335:TC1:OUT1:Mode", value="Closed loop PID", dtype=ChannelType.ENUM,
        enum_strings=["Off", "Closed loop PID", "Zone", "Open loop"], record="mbbo", doc="Mode of output 1",
    )  # fmt: skip
    control = pvproperty(
        name="tplm:LS335:TC1:OUT1:Cntrl", value="Input 1", dtype=ChannelType.ENUM,
        enum_strings=["None", "Input 1", "Input 2"], record="mbbo", doc="Sensor of output 1",
    )  # fmt: skip

    def __init__(self, prefix: str, *, clock: BeamClock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        # The thermostat starts at its own ambient temperature; told to be at room temperature at once, it stays there.
        self._thermostat = Thermostat(
            target_c=ROOM_K - ZERO_C_IN_K,
            ramp_c_min=NO_RAMP_K_MIN,
            now_s=clock.now_s(),
            ambient_c=BASE_K - ZERO_C_IN_K,
            start_c=ROOM_K - ZERO_C_IN_K,
        )
        self._swing: tuple[float, float, float] | None = None
        self._program()

    @property
    def temperature_k(self) -> float:
        """True temperature of the sample, K, with the swing of a fault."""
        now_s = self._clock.now_s()
        steady_k = self._thermostat.temperature_c(now_s) + ZERO_C_IN_K
        if self._swing is None:
            return steady_k
        amplitude_k, period_s, since_s = self._swing
        return max(steady_k + amplitude_k * math.sin(2 * math.pi * (now_s - since_s) / period_s), 1.0)

    def fault_swing(self, amplitude_k: float, period_s: float) -> None:
        """Make the temperature oscillate from now on, amplitude in K and period in s of beam; amplitude 0 ends it."""
        self._swing = (amplitude_k, period_s, self._clock.now_s()) if amplitude_k else None

    def _program(self, **changes: Any) -> None:
        """Follow the settings, with `changes` that are being written."""
        # caproto stores a value only after its putter has returned, so the record still holds the old value here.
        values = {"target_k": self.setpoint.value, "ramp": self.ramp.value, "ramp_on": self.ramp_on.value,
                  "range": self.heater_range.value} | changes  # fmt: skip
        # A ramp of 0 would never arrive; the real controller takes it as no ramp.
        slope = float(values["ramp"]) if values["ramp_on"] == "On" else 0.0
        self._thermostat.program(
            self._clock.now_s(),
            target_c=float(values["target_k"]) - ZERO_C_IN_K,
            ramp_c_min=slope or NO_RAMP_K_MIN,
            heating=values["range"] != "OFF",
        )

    @setpoint.putter  # type: ignore[no-redef]
    async def setpoint(self, instance: Any, value: float) -> float:
        """Start towards a temperature, K; put completion returns at once, as with the real controller.

        Raises SimulationInputError outside 4 to 325 K.
        """
        if not (math.isfinite(value) and LOW_K <= value <= HIGH_K):
            raise SimulationInputError(f"temperature {value:g} K is outside {LOW_K:g} to {HIGH_K:g} K")
        self._program(target_k=value)
        await self.setpoint_readback.write(value)
        return value

    @ramp.putter  # type: ignore[no-redef]
    async def ramp(self, instance: Any, value: float) -> float:
        """Change the slope of the ramp, K/min; raises SimulationInputError beyond 0 to 100 K/min."""
        if not (math.isfinite(value) and 0.0 <= value <= RAMP_HIGH_K_MIN):
            raise SimulationInputError(f"ramp {value:g} K/min is outside 0 to {RAMP_HIGH_K_MIN:g} K/min")
        self._program(ramp=value)
        return value

    @ramp_on.putter  # type: ignore[no-redef]
    async def ramp_on(self, instance: Any, value: str) -> str:
        """Use the ramp for the next set values, or jump."""
        self._program(ramp_on=value)
        return value

    @heater_range.putter  # type: ignore[no-redef]
    async def heater_range(self, instance: Any, value: str) -> str:
        """Switch the heater; without it the sample cools down to 4 K."""
        self._program(range=value)
        await self.heater_range_readback.write(value)
        return value

    @sample.startup  # type: ignore[no-redef]
    async def sample(self, instance: Any, async_lib: Any) -> None:
        """Show both sensors (K) and the heater (%), every 50 ms of wall time."""
        while True:
            temperature_k = self.temperature_k
            if abs(temperature_k - instance.value) > 1e-4:
                await instance.write(temperature_k)
                await self.finger.write(BASE_K + 0.97 * (temperature_k - BASE_K))
                await self.heater.write(100.0 * (temperature_k - BASE_K) / (HIGH_K - BASE_K))
            await asyncio.sleep(PUBLISH_PERIOD_S)
