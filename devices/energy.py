"""Photon energy of the monochromator, in eV; its PVs are in keV."""

from __future__ import annotations

from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.axis import Axis
from devices.configuration import EnergySettings
from devices.fresh import FreshSignalRO


class Energy(Axis):
    """Monochromator energy, eV."""

    setpoint = FCpt(EpicsSignal, "{_prefix}{_settings.setpoint}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_prefix}{_settings.readback}", kind="omitted")
    halt = FCpt(EpicsSignal, "{_prefix}{_settings.stop}", kind="omitted")

    unit = "eV"
    raw_readbacks = ("readback",)

    def __init__(self, settings: EnergySettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__(
            name=name,
            low=settings.low_ev,
            high=settings.high_ev,
            tolerance=settings.tolerance_ev,
            timeout_s=settings.timeout_s,
        )

    def raw_targets(self, value: float) -> dict[str, float]:
        """Energy setpoint in keV."""
        return {"setpoint": value * 1e-3}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Energy in eV from the read-back in keV."""
        return float(raw["readback"]) * 1e3

    def stop(self, *, success: bool = False) -> None:
        """Stop the Bragg motor where it is; nothing can be stopped that does not answer."""
        if self.halt.connected:
            self.halt.put(1)
