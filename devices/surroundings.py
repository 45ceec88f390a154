"""Ring, X-ray shutter and jet: what must be well for a point to count."""

from __future__ import annotations

from collections.abc import Callable

from ophyd import Device, EpicsSignalRO
from ophyd import FormattedComponent as FCpt

from devices.configuration import SurroundingsSettings


class Surroundings(Device):
    """Slow read-backs, monitored: ring current (mA), X-ray shutter, jet flow (ml/min), temperature (C)."""

    ring_current = FCpt(EpicsSignalRO, "{_prefix}{_settings.ring_current}", auto_monitor=True)
    xray_shutter = FCpt(EpicsSignalRO, "{_prefix}{_settings.xray_shutter_readback}", auto_monitor=True)
    jet_flow = FCpt(EpicsSignalRO, "{_prefix}{_settings.jet_flow}", auto_monitor=True)
    jet_temperature = FCpt(EpicsSignalRO, "{_prefix}{_settings.jet_temperature}", auto_monitor=True)

    def __init__(self, settings: SurroundingsSettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__("", name=name)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever a monitor brings a new value."""
        for signal in (self.ring_current, self.xray_shutter, self.jet_flow):
            signal.subscribe(lambda **_: changed(), run=False)

    def failed_conditions(self) -> list[str]:
        """Names of the conditions that do not hold, by the latest monitors."""
        settings = self._settings
        holds = {
            "ring_current": float(self.ring_current.get()) >= settings.ring_current_low_ma,
            "xray_shutter": int(self.xray_shutter.get()) == 1,
            "jet_flow": float(self.jet_flow.get()) >= settings.jet_flow_low_ml_min,
        }
        return [name for name, good in holds.items() if not good]
