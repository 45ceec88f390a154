"""The one signed delay axis: pump to probe 0 in ps, positive when the X-rays come after the laser."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.axis import Axis
from devices.configuration import DelaySettings
from devices.fresh import FreshSignalRO

PS_PER_S = 1e12


def split_raw_delay(raw_ps: float, settings: DelaySettings) -> tuple[float, float]:
    """Divide a raw delay into coarse and fine, both in ps.

    Coarse goes in whole steps, fine takes the rest and stays within one step above `fine_low_ps`.
    """
    fine_at_low = settings.fine_sign * settings.fine_low_ps
    steps = math.floor((raw_ps - fine_at_low) / settings.coarse_step_ps * settings.fine_sign) * settings.fine_sign
    coarse_ps = steps * settings.coarse_step_ps
    return settings.coarse_sign * coarse_ps, settings.fine_sign * (raw_ps - coarse_ps)


class Delay(Axis):
    """Laser delay over delay generator, phase shifter and time zero, ps."""

    coarse_setpoint = FCpt(EpicsSignal, "{_prefix}{_settings.coarse_setpoint}", kind="omitted")
    coarse_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.coarse_readback}", kind="omitted")
    fine_setpoint = FCpt(EpicsSignal, "{_prefix}{_settings.fine_setpoint}", kind="omitted")
    fine_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.fine_readback}", kind="omitted")

    unit = "ps"
    raw_readbacks = ("coarse_readback", "fine_readback")

    def __init__(self, settings: DelaySettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__(
            name=name,
            low=settings.low_ps,
            high=settings.high_ps,
            tolerance=settings.tolerance_ps,
            timeout_s=settings.timeout_s,
        )

    @property
    def time_zero_raw_ps(self) -> float:
        """Raw delay at which laser and X-rays coincide, ps."""
        return self._settings.time_zero_raw_ps

    def raw_targets(self, value: float) -> dict[str, float]:
        """Coarse setpoint in seconds, fine setpoint in ps."""
        coarse_ps, fine_ps = split_raw_delay(value + self.time_zero_raw_ps, self._settings)
        return {"coarse_setpoint": coarse_ps / PS_PER_S, "fine_setpoint": fine_ps}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Signed delay from both raw read-backs."""
        coarse_ps = self._settings.coarse_sign * float(raw["coarse_readback"]) * PS_PER_S
        fine_ps = self._settings.fine_sign * float(raw["fine_readback"])
        return coarse_ps + fine_ps - self.time_zero_raw_ps

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: an electronic delay has no motion to stop."""
