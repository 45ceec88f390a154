"""Around the sample: stored current, X-ray shutter, flat jet."""

from __future__ import annotations

import asyncio
from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.errors import SimulationInputError
from sim.ioc.clock import BeamClock
from sim.physics.experiment import Experiment

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
    """Ring, X-ray shutter and jet."""

    ring_current = pvproperty(
        name="S:SRcurrentAI", value=102.0, record="ai", dtype=float, units="mA", precision=3, read_only=True,
        doc="Storage ring current",
    )  # fmt: skip
    xray_shutter = pvproperty(
        name="7idd:xrayShutter:Set", value="Open", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bo", doc="X-ray shutter, set",
    )  # fmt: skip
    xray_shutter_readback = pvproperty(
        name="7idd:xrayShutter:Status", value="Open", dtype=ChannelType.ENUM, enum_strings=["Closed", "Open"],
        record="bi", read_only=True, doc="X-ray shutter, actual",
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

    def __init__(self, prefix: str, *, clock: BeamClock, experiment: Experiment, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._clock, self._experiment = clock, experiment

    @property
    def xray_shutter_open(self) -> bool:
        """Whether X-rays reach the hutch."""
        return bool(self.xray_shutter_readback.value == "Open")

    @property
    def jet_running(self) -> bool:
        """Whether there is a sheet of sample in the beam."""
        return bool(self.jet_flow_readback.value > JET_MINIMUM_ML_MIN)

    @xray_shutter.putter  # type: ignore[no-redef]
    async def xray_shutter(self, instance: Any, value: str) -> str:
        """Move the shutter; put completion returns when it has arrived."""
        await self._clock.sleep(XRAY_SHUTTER_TIME_S)
        await self.xray_shutter_readback.write(value)
        return value

    @jet_flow.putter  # type: ignore[no-redef]
    async def jet_flow(self, instance: Any, value: float) -> float:
        """Set the pump; the flow follows at once."""
        if not 0 <= value <= JET_FLOW_MAX_ML_MIN:
            raise SimulationInputError(f"jet flow {value:g} ml/min is outside 0 to {JET_FLOW_MAX_ML_MIN:g} ml/min")
        await self.jet_flow_readback.write(value)
        return value

    @ring_current.startup  # type: ignore[no-redef]
    async def ring_current(self, instance: Any, async_lib: Any) -> None:
        """Publish the stored current; it decays with the beam time that was counted."""
        while True:
            await instance.write(self._experiment.ring.current_ma(self._experiment.time_s))
            await asyncio.sleep(PUBLISH_PERIOD_S)
