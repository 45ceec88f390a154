"""Duetto pump laser: rate divider, lock, shutter, and the half-wave plate that sets the fluence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.fields import preset, repost
from sim.ioc.records.mechanics import Mechanics
from sim.ioc.records.motor import MotorGroup
from sim.physics.beamline_state import BeamlineState
from sim.physics.counting_ahead import CountedAhead
from sim.physics.experiment import ExposureCounts
from sim.physics.pump_scheme import PumpScheme
from sim.physics.source import DEFAULT_SCHEME

WAVEPLATE_MOTOR = "7idd:m21"
"""Name of the half-wave plate's motor record (chosen, in the style of the beamline)."""

HORIZONTAL_MOTOR = "7idd:m31"
VERTICAL_MOTOR = "7idd:m32"
"""Names of the last mirror's motor records (chosen); a step of 1 um moves the spot on the sample by 1 um."""

MIRROR_TRAVEL_UM = 500.0

METER_RELATIVE = 2e-3
METER_OFFSET_W = 1e-4
"""Noise of one reading of the power meter: 0.2 % and 0.1 mW, typical of thermal heads."""

METER_PERIOD_S = 0.1
"""Wall time between readings of the power meter."""

FLUENCE_MAX_MJ_CM2 = 14.0
"""Fluence behind the polariser with the plate at its maximum (chosen above the 12.4 mJ/cm2 scanned)."""

WAVEPLATE_ZERO_DEG = 3.2
"""Angle of the plate at which the polariser blocks the laser (chosen away from zero, as on a real beamline)."""

SPOT_AREA_CM2 = math.pi / 4 * 45e-4 * 50e-4
"""Laser spot of 45 x 50 um (paper, SI 2)."""

SHUTTER_TIME_S = 0.02

LARGEST_DIVIDER = 24
"""Largest divider that the laser accepts, unless its scheme needs a larger one."""


def fluence_at(angle_deg: float) -> float:
    """Return the fluence behind plate and polariser, mJ/cm2 (Malus: a half-wave plate turns by twice its angle)."""
    return FLUENCE_MAX_MJ_CM2 * math.sin(2 * math.radians(angle_deg - WAVEPLATE_ZERO_DEG)) ** 2


class Laser(PVGroup):
    """The pump laser as its control system shows it; `disturbed` returns the state with faults, for the power meter."""

    rate_divider = pvproperty(
        name="7idd:laser:RateDivider", value=5, record="longout", dtype=int, lower_ctrl_limit=1,
        upper_ctrl_limit=LARGEST_DIVIDER, units="bunches", doc="X-ray pulses per pump pulse",
    )  # fmt: skip
    repetition_rate = pvproperty(
        name="7idd:laser:RepRate", value=1e12 / DEFAULT_SCHEME.period_ps(DEFAULT_SCHEME.divider), record="ai",
        dtype=float, units="Hz", precision=1, read_only=True, doc="Pump repetition rate",
    )  # fmt: skip
    lock = pvproperty(
        name="7idd:laser:Lock", value="Locked", dtype=ChannelType.ENUM, enum_strings=["Unlocked", "Locked"],
        record="bi", read_only=True, doc="Phase lock to the ring",
    )  # fmt: skip
    shutter = pvproperty(
        name="7idd:laser:Shutter", value="Closed", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bo", doc="Laser shutter, set",
    )  # fmt: skip
    shutter_readback = pvproperty(
        name="7idd:laser:ShutterStatus", value="Closed", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bi", read_only=True, doc="Laser shutter, actual",
    )  # fmt: skip
    power = pvproperty(
        name="7idd:laser:PowerAI", value=0.0, record="ai", dtype=float, units="W", precision=4, read_only=True,
        doc="Power meter before the shutter",
    )  # fmt: skip

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        disturbed: Callable[[], BeamlineState],
        seed: int = 1,
        scheme: PumpScheme = DEFAULT_SCHEME,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._disturbed = disturbed
        self._scheme = scheme
        self._by_hand_mj_cm2: float | None = None
        self._largest_divider = max(LARGEST_DIVIDER, scheme.divider)
        preset(self.rate_divider, value=scheme.divider, upper_ctrl_limit=self._largest_divider)
        preset(self.repetition_rate, value=1e12 / scheme.period_ps(scheme.divider))
        self._meter = np.random.default_rng([seed, 7])
        self.fault_shutter_stuck = False
        """Whether the shutter stays where it is."""
        self.interlock: Callable[[], None] = lambda: None
        """Raises SimulationInputError if the shutter must not be opened."""
        self.drift: Callable[[], float] = lambda: 1.0
        """Returns the power relative to what is set, which the meter follows from exposure to exposure."""
        self._expected_drift: float | None = None
        self._shown_drift = 1.0
        self.waveplate = MotorGroup(
            prefix + WAVEPLATE_MOTOR,
            clock=clock,
            description="Laser attenuator wave plate",
            mechanics=Mechanics(
                egu="deg", low=0.0, high=50.0, velocity=20.0, acceleration_s=0.05, initial=WAVEPLATE_ZERO_DEG
            ),
        )
        self.horizontal = self._mirror(prefix + HORIZONTAL_MOTOR, "Laser on sample, horizontal")
        self.vertical = self._mirror(prefix + VERTICAL_MOTOR, "Laser on sample, vertical")
        self.pvdb.update({**self.waveplate.pvdb, **self.horizontal.pvdb, **self.vertical.pvdb})

    def _mirror(self, name: str, description: str) -> MotorGroup:
        mechanics = Mechanics(
            egu="um",
            low=-MIRROR_TRAVEL_UM,
            high=MIRROR_TRAVEL_UM,
            velocity=200.0,
            acceleration_s=0.05,
            precision=2,
            resolution=0.01,
        )
        return MotorGroup(name, clock=self._clock, description=description, mechanics=mechanics)

    @property
    def fluence_mj_cm2(self) -> float:
        """Fluence on the sample with the shutter open and the laser at full power, mJ/cm2."""
        by_hand = self._by_hand_mj_cm2
        return fluence_at(self.waveplate.dial_position) if by_hand is None else by_hand

    def set_by_hand(self, fluence_mj_cm2: float) -> None:
        """Open the shutter and set the fluence, mJ/cm2, before anything is served, as a person does at the table."""
        self._by_hand_mj_cm2 = fluence_mj_cm2
        for channel in (self.shutter, self.shutter_readback):
            preset(channel, value="Open")

    @property
    def shutter_open(self) -> bool:
        """Whether the laser reaches the sample."""
        return bool(self.shutter_readback.value == "Open")

    @rate_divider.putter  # type: ignore[no-redef]
    async def rate_divider(self, instance: Any, value: int) -> int:
        """Set the laser to pump every n-th bunch, or revolution; raises SimulationInputError unless n is 1 to 24.

        A scheme with a larger divider extends the range to it.
        """
        if not 1 <= value <= self._largest_divider:
            raise SimulationInputError(f"rate divider {value} is outside 1 to {self._largest_divider} bunches")
        await self.repetition_rate.write(1e12 / self._scheme.period_ps(value))
        return value

    @shutter.putter  # type: ignore[no-redef]
    async def shutter(self, instance: Any, value: str) -> str:
        """Move the blade; put completion returns when it has arrived, after 20 ms of beam.

        Raises SimulationInputError if the shutter must not be opened. A stuck shutter completes and stays.
        """
        # Checked at both ends of the stroke: the jet may stop, or the watchdog trip, while the blade moves.
        if value == "Open":
            self.interlock()
        await self._clock.sleep(SHUTTER_TIME_S)
        if value == "Open":
            self.interlock()
        if not self.fault_shutter_stuck:
            await self.shutter_readback.write(value)
        return value

    async def show(self, state: BeamlineState) -> None:
        """Update lock and power, W, with the effects of faults."""
        lock = "Locked" if state.laser_locked else "Unlocked"
        if self.lock.value != lock:
            await self.lock.write(lock)
        await self.show_power()

    async def after_exposure(self, exposure_id: int, state: BeamlineState, exposure: ExposureCounts) -> None:
        """Show the power, W, of the exposure that has just ended, unless the meter has shown it already."""
        self._expected_drift = None
        await self._follow_drift()

    async def show_ahead(self, ahead: CountedAhead) -> None:
        """Show the power, W, of the exposure in progress while it lasts."""
        self._expected_drift = ahead.laser_power
        await self._follow_drift()

    async def _follow_drift(self) -> None:
        if self._drift_now() != self._shown_drift:
            await self.show_power()

    def _drift_now(self) -> float:
        return self.drift() if self._expected_drift is None else self._expected_drift

    async def show_power(self) -> None:
        """Show the power that belongs to the present fluence, as one noisy reading, W."""
        # Pulse energy in mJ is fluence times spot area; times the repetition rate it is the mean power. The meter
        # stands before the shutter, so it reads the same with the shutter closed.
        self._shown_drift = self._drift_now()
        watts = self._shown_drift * self._disturbed().fluence_mj_cm2 * 1e-3 * SPOT_AREA_CM2 * self.repetition_rate.value
        noise = math.hypot(METER_RELATIVE * watts, METER_OFFSET_W) * self._meter.standard_normal()
        await repost(self.power, watts + noise)

    @power.scan(period=METER_PERIOD_S)  # type: ignore[no-redef]
    async def power(self, instance: Any, async_lib: Any) -> None:
        """Take a reading, W, every 0.1 s of wall time, and also at each change, because 0.1 s is late at high speed."""
        await self.show_power()
