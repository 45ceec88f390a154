"""The surroundings of the sample: stored current, X-ray shutter, flat jet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.fields import preset
from sim.physics.beamline_state import BeamlineState
from sim.physics.drifts import HUTCH_C, hutch_temperature_c
from sim.physics.experiment import Experiment
from sim.physics.source import DEFAULT_SCHEME

PUBLISH_PERIOD_S = 0.5
"""Wall time between updates of the slow read-backs."""

XRAY_SHUTTER_TIME_S = 0.2

JET_FLOW_ML_MIN = 240.0
"""Flow of the jet: 4 m/s through 5 mm x 200 um (paper, SI 2)."""

JET_FLOW_MAX_ML_MIN = 400.0

JET_MINIMUM_ML_MIN = 60.0
"""Below this flow the sheet breaks into drops (chosen)."""

JET_TEMPERATURE_C = 22.0


class Environment(PVGroup):
    """Ring, X-ray shutter and jet; `disturbed` returns the state with faults, which the read-backs show."""

    ring_current = pvproperty(
        name="S:SRcurrentAI", value=102.0, record="ai", dtype=float, units="mA", precision=3, read_only=True,
        doc="Storage ring current",
    )  # fmt: skip
    ring_lifetime = pvproperty(
        name="S:SRlifeTimeHrsCC", value=8.0, record="ai", dtype=float, units="h", precision=2, read_only=True,
        doc="Lifetime of the stored current",
    )  # fmt: skip
    rf_frequency = pvproperty(
        name="7idd:ring:RFFrequencyAI", value=DEFAULT_SCHEME.rf_mhz, record="ai", dtype=float, units="MHz",
        precision=6, read_only=True, doc="RF frequency of the storage ring",
    )  # fmt: skip
    xray_shutter = pvproperty(
        name="7idd:xrayShutter:Set", value="Open", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bo", doc="X-ray shutter, set",
    )  # fmt: skip
    xray_shutter_readback = pvproperty(
        name="7idd:xrayShutter:Status", value="Open", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bi", read_only=True, doc="X-ray shutter, actual",
    )  # fmt: skip
    xray_permit = pvproperty(
        name="7idd:xrayShutter:Permit", value="Granted", dtype=ChannelType.ENUM, enum_strings=["Denied", "Granted"],
        record="bi", read_only=True, doc="Interlock's permit for X-rays",
    )  # fmt: skip
    injecting = pvproperty(
        name="7idd:topUp:Injecting", value="No", dtype=ChannelType.ENUM, enum_strings=["No", "Yes"], record="bi",
        read_only=True, doc="Ring is being filled",
    )  # fmt: skip
    jet_flow = pvproperty(
        name="7idd:jet:FlowSet", value=JET_FLOW_ML_MIN, record="ao", dtype=float, units="ml/min", precision=1,
        lower_ctrl_limit=0.0, upper_ctrl_limit=JET_FLOW_MAX_ML_MIN, doc="Flat jet flow, set",
    )  # fmt: skip
    jet_flow_readback = pvproperty(
        name="7idd:jet:FlowAI", value=JET_FLOW_ML_MIN, record="ai", dtype=float, units="ml/min", precision=1,
        read_only=True, doc="Flat jet flow, actual",
    )  # fmt: skip
    jet_temperature = pvproperty(
        name="7idd:jet:TemperatureAI", value=JET_TEMPERATURE_C, record="ai", dtype=float, units="C", precision=2,
        read_only=True, doc="Sample reservoir temperature",
    )  # fmt: skip

    hutch_temperature = pvproperty(
        name="7idd:hutch:TemperatureAI", value=HUTCH_C, record="ai", dtype=float, units="C", precision=3,
        read_only=True, doc="Air temperature in the hutch",
    )  # fmt: skip

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        experiment: Experiment,
        disturbed: Callable[[], BeamlineState],
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._experiment = experiment
        self._disturbed = disturbed
        preset(self.ring_lifetime, value=experiment.ring.lifetime_s / 3600.0)
        preset(self.rf_frequency, value=experiment.scheme.rf_mhz)
        self.interlock: Callable[[], None] = lambda: None
        """Raises SimulationInputError if the X-ray shutter must not be opened; set by the safety system."""

    @property
    def xray_shutter_open(self) -> bool:
        """Whether X-rays reach the hutch."""
        return bool(self.xray_shutter_readback.value == "Open")

    @property
    def jet_running(self) -> bool:
        """Whether the pump is set to a flow that makes a sheet: above 60 ml/min."""
        return bool(self.jet_flow.value > JET_MINIMUM_ML_MIN)

    @property
    def jet_flowing(self) -> bool:
        """Whether the flow meter shows enough flow for a sheet: above 60 ml/min."""
        return bool(self.jet_flow_readback.value > JET_MINIMUM_ML_MIN)

    @xray_shutter.putter  # type: ignore[no-redef]
    async def xray_shutter(self, instance: Any, value: str) -> str:
        """Move the shutter; put completion returns when it has arrived, after 0.2 s of beam.

        Raises SimulationInputError if it must not be opened.
        """
        # Checked at both ends of the stroke: the permit or the watchdog may fall while the blade moves.
        if value == "Open":
            self._refuse_without_permit()
        await self._clock.sleep(XRAY_SHUTTER_TIME_S)
        if value == "Open":
            self._refuse_without_permit()
        await self.xray_shutter_readback.write(value)
        return value

    async def take_permit(self) -> None:
        """Revoke the permit of the interlock, and close the shutter as the interlock does."""
        await self.xray_permit.write("Denied")
        await self.xray_shutter.write("Closed")

    async def give_permit(self) -> None:
        """Grant the permit again; the shutter stays closed."""
        await self.xray_permit.write("Granted")

    def _refuse_without_permit(self) -> None:
        if self.xray_permit.value != "Granted":
            raise SimulationInputError("X-ray shutter: the interlock gives no permit; wait for 7idd:xrayShutter:Permit")
        self.interlock()

    @jet_flow.putter  # type: ignore[no-redef]
    async def jet_flow(self, instance: Any, value: float) -> float:
        """Set the pump, ml/min; the flow follows at once. Raises SimulationInputError beyond 0 to 400 ml/min."""
        if not 0 <= value <= JET_FLOW_MAX_ML_MIN:
            raise SimulationInputError(f"jet flow {value:g} ml/min is outside 0 to {JET_FLOW_MAX_ML_MIN:g} ml/min")
        await self.jet_flow_readback.write(value * self._disturbed().jet_flow)
        return value

    @ring_current.startup  # type: ignore[no-redef]
    async def ring_current(self, instance: Any, async_lib: Any) -> None:
        """Publish the stored current, mA; it decays with the beam time that was counted."""
        while True:
            await self._show_current(self._disturbed())
            await asyncio.sleep(PUBLISH_PERIOD_S)

    async def _show_current(self, state: BeamlineState) -> None:
        current_ma = self._experiment.ring.current_ma(self._experiment.time_s) * state.current
        await self.ring_current.write(current_ma)
        temperature_c = hutch_temperature_c(self._experiment.day_time_s)
        if self.hutch_temperature.value != temperature_c:
            await self.hutch_temperature.write(temperature_c)

    async def show(self, state: BeamlineState) -> None:
        """Update current (mA), injection and jet (ml/min) with the effects of faults."""
        await self._show_current(state)
        injecting = "Yes" if state.injecting else "No"
        if self.injecting.value != injecting:
            await self.injecting.write(injecting)
        flow = self.jet_flow.value * state.jet_flow
        if self.jet_flow_readback.value != flow:
            await self.jet_flow_readback.write(flow)
