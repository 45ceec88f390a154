"""Pump laser: lock, rate and power as read from its control system."""

from __future__ import annotations

from ophyd import Device, EpicsSignalRO
from ophyd import FormattedComponent as FCpt

from devices.absent import class_without
from devices.configuration import LaserSettings
from devices.shutter import OpenBeam, Shutter
from devices.signals.uncached_signal import FreshSignalRO


class Laser(Device):
    """Status of the pump laser; its shutter is a device of its own."""

    rate_divider = FCpt(FreshSignalRO, "{_prefix}{_settings.rate_divider}", auto_monitor=True, kind="config")
    repetition_rate = FCpt(EpicsSignalRO, "{_prefix}{_settings.repetition_rate}", auto_monitor=True, kind="config")
    lock = FCpt(FreshSignalRO, "{_prefix}{_settings.lock}", auto_monitor=True)
    power = FCpt(FreshSignalRO, "{_prefix}{_settings.power}")

    def __init__(self, settings: LaserSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__("", name=name)

    @property
    def required_divider(self) -> int:
        """Number of X-ray pulses per pump pulse that the gates expect."""
        return self._settings.required_divider


def laser_device(settings: LaserSettings, prefix: str) -> Laser:
    """Return the status of the laser; signals that the beamline does not serve are None."""
    missing = [name for name in ("rate_divider", "repetition_rate", "lock", "power") if not getattr(settings, name)]
    return class_without(Laser, missing)(settings, prefix=prefix, name="laser")


def laser_shutter(settings: LaserSettings, prefix: str) -> Shutter:
    """Return the shutter that blocks the pump, with the configured time-out in seconds."""
    if not settings.shutter:
        return OpenBeam(name="laser_shutter")
    return Shutter(
        prefix + settings.shutter,
        prefix + settings.shutter_readback,
        name="laser_shutter",
        timeout_s=settings.shutter_timeout_s,
    )
