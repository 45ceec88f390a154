"""The pulsed diode laser: repetition rate and its source, power through an attenuator, power meter and shutter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.fields import preset

INTERNAL_MHZ = (40.0, 20.0, 10.0, 5.0, 2.5)
"""Rates of the laser's own oscillator, MHz: 80 MHz divided by powers of two (chosen: the vendor's series)."""

RATE_LOW_MHZ = 0.5
RATE_HIGH_MHZ = 80.0
"""Rates that an external trigger gives, MHz (chosen)."""

POWER_HIGH_NW = 200.0
"""Largest power at the meter, nW."""

ATTENUATOR_TIME_S = 0.5
"""Time in which the attenuator turns to another power, s of beam (chosen)."""

SHUTTER_TIME_S = 0.02

METER_RELATIVE = 2e-3
METER_OFFSET_NW = 1e-3
"""Noise of one reading of the power meter: 0.2 % and 1 pW (chosen: a photodiode head, averaged)."""

METER_PERIOD_S = 0.1
"""Wall time between readings of the power meter."""


def meter_reading_nw(rng: np.random.Generator, power_nw: float) -> float:
    """Return one reading of the power meter at a power, nW."""
    # A relative and an absolute part: at 0.1 nW the amplifier of the meter decides, at 100 nW the laser.
    return power_nw + math.hypot(METER_RELATIVE * power_nw, METER_OFFSET_NW) * float(rng.standard_normal())


class DiodeLaser(PVGroup):
    """The laser as its control system shows it; power is that at the meter outside the microscope.

    `power_share` returns the share of the set power that the laser really emits, 1 unless a fault changes it.
    """

    rate = pvproperty(
        name="tplm:laser:RepRate", value=2.5, record="ao", dtype=float, units="MHz", precision=4,
        lower_ctrl_limit=RATE_LOW_MHZ, upper_ctrl_limit=RATE_HIGH_MHZ, doc="Repetition rate, set",
    )  # fmt: skip
    source = pvproperty(
        name="tplm:laser:TriggerSource", value="Internal", dtype=ChannelType.ENUM,
        enum_strings=["Internal", "External"], record="bo", doc="Trigger of the laser pulses",
    )  # fmt: skip
    emission = pvproperty(
        name="tplm:laser:Emission", value="On", dtype=ChannelType.ENUM, enum_strings=["Off", "On"], record="bi",
        read_only=True, doc="Laser emits: key and interlock",
    )  # fmt: skip
    power = pvproperty(
        name="tplm:laser:PowerSP", value=1.0, record="ao", dtype=float, units="nW", precision=4,
        lower_ctrl_limit=0.0, upper_ctrl_limit=POWER_HIGH_NW, doc="Power at the meter, set",
    )  # fmt: skip
    power_readback = pvproperty(
        name="tplm:laser:PowerRB", value=1.0, record="ai", dtype=float, units="nW", precision=4, read_only=True,
        doc="Power meter outside the microscope",
    )  # fmt: skip
    shutter = pvproperty(
        name="tplm:laser:Shutter", value="Closed", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bo", doc="Laser shutter, set",
    )  # fmt: skip
    shutter_readback = pvproperty(
        name="tplm:laser:ShutterStatus", value="Closed", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bi", read_only=True, doc="Laser shutter, actual",
    )  # fmt: skip

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        seed: int = 1,
        power_share: Callable[[], float] = lambda: 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._power_share = power_share
        self._meter = np.random.default_rng([seed, 21])
        self.interlock: Callable[[], None] = lambda: None
        """Raises SimulationInputError if the shutter must not be opened."""

    @property
    def shutter_open(self) -> bool:
        """Whether the laser reaches the sample."""
        return bool(self.shutter_readback.value == "Open")

    @property
    def emits(self) -> bool:
        """Whether the laser emits pulses, which also start the photon timing."""
        return bool(self.emission.value == "On")

    @property
    def power_nw(self) -> float:
        """Power that really arrives at the meter, nW."""
        # The set value is what the attenuator is turned to; what arrives may differ, and only the meter shows it.
        return float(self.power.value) * self._power_share() if self.emits else 0.0

    @rate.putter  # type: ignore[no-redef]
    async def rate(self, instance: Any, value: float) -> float:
        """Change the repetition rate, MHz, and with it the trigger: its own oscillator has only some rates.

        Raises SimulationInputError outside 0.5 to 80 MHz.
        """
        if not (math.isfinite(value) and RATE_LOW_MHZ <= value <= RATE_HIGH_MHZ):
            raise SimulationInputError(
                f"repetition rate {value:g} MHz is outside {RATE_LOW_MHZ:g} to {RATE_HIGH_MHZ:g} MHz"
            )
        # The shutter need not close: the laser only changes its trigger.
        await self.source.write("Internal" if value in INTERNAL_MHZ else "External", verify_value=False)
        return value

    @source.putter  # type: ignore[no-redef]
    async def source(self, instance: Any, value: str) -> str:
        """Choose the trigger; raises SimulationInputError if the oscillator does not have the present rate."""
        if value == "Internal" and float(self.rate.value) not in INTERNAL_MHZ:
            rates = ", ".join(f"{rate:g}" for rate in INTERNAL_MHZ)
            raise SimulationInputError(f"the internal oscillator has {rates} MHz, not {self.rate.value:g} MHz")
        return value

    @power.putter  # type: ignore[no-redef]
    async def power(self, instance: Any, value: float) -> float:
        """Turn the attenuator, nW; put completion returns after 0.5 s of beam.

        Raises SimulationInputError outside 0 to 200 nW.
        """
        if not (math.isfinite(value) and 0.0 <= value <= POWER_HIGH_NW):
            raise SimulationInputError(f"power {value:g} nW is outside 0 to {POWER_HIGH_NW:g} nW")
        await self._clock.sleep(ATTENUATOR_TIME_S)
        # The value that the putter returns is stored after the reading, which must already be of the new power.
        preset(instance, value=value)
        await self.show_power()
        return value

    @shutter.putter  # type: ignore[no-redef]
    async def shutter(self, instance: Any, value: str) -> str:
        """Move the blade; put completion returns when it has arrived, after 20 ms of beam.

        Raises SimulationInputError if the shutter must not be opened.
        """
        # Checked at both ends of the stroke: the watchdog may trip while the blade moves.
        if value == "Open":
            self.interlock()
        await self._clock.sleep(SHUTTER_TIME_S)
        if value == "Open":
            self.interlock()
        await self.shutter_readback.write(value)
        return value

    async def show_power(self) -> None:
        """Take one noisy reading of the power meter, nW."""
        await self.power_readback.write(meter_reading_nw(self._meter, self.power_nw))

    @power_readback.scan(period=METER_PERIOD_S)  # type: ignore[no-redef]
    async def power_readback(self, instance: Any, async_lib: Any) -> None:
        """Take a reading, nW, every 0.1 s of wall time."""
        await self.show_power()
