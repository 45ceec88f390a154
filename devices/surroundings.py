"""Ring, X-ray shutter and jet, which must be in order for a point to be good."""

from __future__ import annotations

from ophyd import Device
from ophyd import FormattedComponent as FCpt

from devices.absent import class_without
from devices.configuration import SurroundingsSettings
from devices.shutter import OpenBeam, Shutter
from devices.signals.uncached_signal import FreshSignalRO

XRAY_SHUTTER_TIMEOUT_S = 10.0
"""Longest time that the X-ray shutter takes to move, s."""


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


def surroundings_device(settings: SurroundingsSettings, prefix: str) -> Surroundings:
    """Return the surroundings; signals that the beamline does not serve are None."""
    pvs = {
        "ring_current": settings.ring_current,
        "xray_shutter": settings.xray_shutter_readback,
        "jet_flow": settings.jet_flow,
        "jet_temperature": settings.jet_temperature,
    }
    missing = [name for name, pv in pvs.items() if not pv]
    return class_without(Surroundings, missing)(settings, prefix=prefix, name="surroundings")


def xray_shutter(settings: SurroundingsSettings, prefix: str) -> Shutter:
    """Return the shutter of the X-rays; one that is always open if the beamline has none."""
    if not settings.xray_shutter:
        return OpenBeam(name="xray_shutter")
    pvs = prefix + settings.xray_shutter, prefix + settings.xray_shutter_readback
    return Shutter(*pvs, name="xray_shutter", timeout_s=XRAY_SHUTTER_TIMEOUT_S)
