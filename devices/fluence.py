"""Pump fluence on the sample, in mJ/cm2, through a half-wave plate and a polariser."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.axis import Axis
from devices.configuration import FluenceSettings
from devices.fresh import FreshSignalRO


class Fluence(Axis):
    """Pump fluence, mJ/cm2; the plate is a motor record in degrees."""

    angle = FCpt(EpicsSignal, "{_prefix}{_settings.waveplate}", kind="omitted")
    angle_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.waveplate}.RBV", kind="omitted")
    halt = FCpt(EpicsSignal, "{_prefix}{_settings.waveplate}.STOP", kind="omitted")

    unit = "mJ/cm2"
    raw_readbacks = ("angle_readback",)

    def __init__(self, settings: FluenceSettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__(
            name=name,
            low=settings.low_mj_cm2,
            high=settings.high_mj_cm2,
            tolerance=settings.tolerance_mj_cm2,
            timeout_s=settings.timeout_s,
        )

    def raw_targets(self, value: float) -> dict[str, float]:
        """Angle of the plate in degrees (Malus: the polarisation turns by twice the angle)."""
        angle = math.degrees(math.asin(math.sqrt(value / self._settings.maximum_mj_cm2))) / 2
        return {"angle": self._settings.zero_deg + angle}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Fluence in mJ/cm2 from the angle."""
        angle = math.radians(float(raw["angle_readback"]) - self._settings.zero_deg)
        return self._settings.maximum_mj_cm2 * math.sin(2 * angle) ** 2

    def stop(self, *, success: bool = False) -> None:
        """Stop the plate where it is; nothing can be stopped that does not answer."""
        if self.halt.connected:
            self.halt.put(1)
