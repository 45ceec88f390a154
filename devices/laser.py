"""Pump laser: lock, rate and power as its control system shows them."""

from __future__ import annotations

from collections.abc import Callable

from ophyd import Device, EpicsSignal, EpicsSignalRO
from ophyd import FormattedComponent as FCpt

from devices.configuration import LaserSettings
from devices.shutter import Shutter


class Laser(Device):
    """Status of the pump laser; its shutter is a device of its own."""

    rate_divider = FCpt(EpicsSignal, "{_prefix}{_settings.rate_divider}", auto_monitor=True, kind="config")
    repetition_rate = FCpt(EpicsSignalRO, "{_prefix}{_settings.repetition_rate}", auto_monitor=True, kind="config")
    lock = FCpt(EpicsSignalRO, "{_prefix}{_settings.lock}", auto_monitor=True)
    power = FCpt(EpicsSignalRO, "{_prefix}{_settings.power}", auto_monitor=True)

    def __init__(self, settings: LaserSettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__("", name=name)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever a monitor brings a new value."""
        for signal in (self.lock, self.rate_divider):
            signal.subscribe(lambda **_: changed(), run=False)

    @property
    def locked(self) -> bool:
        """Whether the laser follows the ring's clock, by the latest monitor."""
        return int(self.lock.get()) == 1

    @property
    def divider_is_right(self) -> bool:
        """Whether the laser fires at the bunch the gates expect."""
        return int(self.rate_divider.get()) == self._settings.required_divider


def laser_shutter(settings: LaserSettings, prefix: str) -> Shutter:
    """The shutter that blocks the pump."""
    return Shutter(
        prefix + settings.shutter,
        prefix + settings.shutter_readback,
        name="laser_shutter",
        timeout_s=settings.shutter_timeout_s,
    )
