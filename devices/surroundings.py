"""Ring, X-ray shutter and jet, which must be in order for a point to be good."""

from __future__ import annotations

from ophyd import Device
from ophyd import FormattedComponent as FCpt

from devices.configuration import SurroundingsSettings
from devices.signals.uncached_signal import FreshSignalRO


class Surroundings(Device):
    """Slow read-backs, monitored: ring current (mA), X-ray shutter, jet flow (ml/min), temperature (C)."""

    ring_current = FCpt(FreshSignalRO, "{_prefix}{_settings.ring_current}", auto_monitor=True)
    xray_shutter = FCpt(FreshSignalRO, "{_prefix}{_settings.xray_shutter_readback}", auto_monitor=True)
    jet_flow = FCpt(FreshSignalRO, "{_prefix}{_settings.jet_flow}", auto_monitor=True)
    jet_temperature = FCpt(FreshSignalRO, "{_prefix}{_settings.jet_temperature}", auto_monitor=True)

    def __init__(self, settings: SurroundingsSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__("", name=name)

    @property
    def settings(self) -> SurroundingsSettings:
        """Configured limits: ring current in mA, jet flow in ml/min."""
        return self._settings
