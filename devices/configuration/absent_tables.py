"""Replacements for the tables of an endstation without X-rays: nothing is served, watched or moved.

An endstation whose exposures are made by a detector of its own has neither monochromator nor ring, delay, pump or jet,
and its file does not have their tables. The configuration contains all of these tables nevertheless, without PVs, so
that no other code has to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.dataclasses import dataclass

from devices.configuration.axis_settings import (
    DelaySettings,
    EnergySettings,
    FixedFluenceSettings,
    PointingSettings,
)
from devices.configuration.fields import SETTINGS
from devices.configuration.surroundings_settings import LaserSettings, SurroundingsSettings


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class NoFluenceSettings(FixedFluenceSettings):
    """Fluence of an endstation without pump: none that could be set or recorded."""

    fixed_mj_cm2: float = 1.0

    @property
    def is_there(self) -> bool:
        """Whether there is a pump whose fluence is recorded: no."""
        return False


ABSENT: Mapping[str, Any] = {
    "energy": EnergySettings(setpoint="", readback="", stop="", low_ev=1000.0, high_ev=200_000.0),
    "delay": DelaySettings(
        coarse_setpoint="", coarse_readback="", fine_setpoint="", fine_readback="", time_zero_raw_ps=0.0,
        low_ps=-1e9, high_ps=1e9,
    ),
    "fluence": NoFluenceSettings(),
    "pointing": PointingSettings(horizontal="", vertical=""),
    "laser": LaserSettings(
        rate_divider="", repetition_rate="", lock="", shutter="", shutter_readback="", power=""
    ),
    "surroundings": SurroundingsSettings(
        ring_current="", xray_shutter="", xray_shutter_readback="", jet_flow="", jet_temperature=""
    ),
}  # fmt: skip
"""Settings of the tables that such an endstation may lack, by name."""
