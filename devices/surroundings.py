"""Ring, X-ray shutter and jet: what must be well for a point to count."""

from __future__ import annotations

from collections.abc import Collection

from ophyd import Device
from ophyd import FormattedComponent as FCpt

from devices.configuration import SurroundingsSettings
from devices.fresh import FreshSignalRO

CHECKED = ("ring_current", "xray_shutter", "jet_flow")
"""Conditions that can be told from here, by the attribute that shows them."""


class Surroundings(Device):
    """Slow read-backs, monitored: ring current (mA), X-ray shutter, jet flow (ml/min), temperature (C)."""

    ring_current = FCpt(FreshSignalRO, "{_prefix}{_settings.ring_current}", auto_monitor=True)
    xray_shutter = FCpt(FreshSignalRO, "{_prefix}{_settings.xray_shutter_readback}", auto_monitor=True)
    jet_flow = FCpt(FreshSignalRO, "{_prefix}{_settings.jet_flow}", auto_monitor=True)
    jet_temperature = FCpt(FreshSignalRO, "{_prefix}{_settings.jet_temperature}", auto_monitor=True)

    def __init__(self, settings: SurroundingsSettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__("", name=name)

    @property
    def settings(self) -> SurroundingsSettings:
        """Configured limits."""
        return self._settings

    def failed_conditions(self, needed: Collection[str] = CHECKED) -> list[str]:
        """Names of the `needed` conditions that do not hold, by the latest monitors; the others are not looked at."""
        return [name for name in CHECKED if name in needed and not self._holds(name)]

    def _holds(self, name: str) -> bool:
        value, settings = float(getattr(self, name).get()), self._settings
        if name == "xray_shutter":
            return value == 1
        return value >= (settings.ring_current_low_ma if name == "ring_current" else settings.jet_flow_low_ml_min)
