"""Wheel of calibration foils behind the sample; the element of the foil selects it."""

from __future__ import annotations

from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.physics.beam_path import foil_elements

TURN_TIME_S = 1.0
"""Beam time in which the wheel turns from one foil to another (chosen)."""


class FoilWheel(PVGroup):
    """One foil of every element with an edge within reach; "" takes all foils out of the beam."""

    element = pvproperty(
        name="7idd:foilWheel:Element", value="Pb", dtype=ChannelType.STRING, record="stringout",
        doc="Calibration foil, set: element",
    )  # fmt: skip
    element_readback = pvproperty(
        name="7idd:foilWheel:ElementRBV", value="Pb", dtype=ChannelType.STRING, record="stringin", read_only=True,
        doc="Calibration foil in the beam",
    )  # fmt: skip

    def __init__(self, prefix: str, *, clock: BeamClock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock

    @property
    def in_beam(self) -> str:
        """Element of the foil in the beam, "" for none."""
        return str(self.element_readback.value)

    @element.putter  # type: ignore[no-redef]
    async def element(self, instance: Any, value: str) -> str:
        """Turn to another foil; put completion returns when it is in the beam."""
        if value and value not in foil_elements():
            raise SimulationInputError(f"there is no foil of {value!r}; elements have symbols such as Fe or Pb")
        if value != self.in_beam:
            await self._clock.sleep(TURN_TIME_S)
            await self.element_readback.write(value)
        return value
