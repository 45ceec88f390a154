"""Where the pump hits the sample: the last mirror's two tilts, in um at the X-ray spot."""

from __future__ import annotations

from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.axes.axis import Axis
from devices.axes.motor_record import MotorFields
from devices.configuration import PointingSettings
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal


class Pointing(Axis):
    """One direction of the laser pointing, um on the sample; `motor` is its motor record."""

    setpoint = FCpt(LimitedSignal, "{_prefix}{_motor}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_prefix}{_motor}.RBV", kind="omitted")
    halt = FCpt(EpicsSignal, "{_prefix}{_motor}.STOP", kind="omitted")
    motor = FCpt(MotorFields, "{_prefix}{_motor}", kind="omitted")

    unit = "um"
    raw_readbacks = ("readback",)
    raw_setpoints = ("setpoint",)

    def __init__(self, settings: PointingSettings, motor: str, *, prefix: str, name: str) -> None:
        self._motor = motor
        self._prefix = prefix
        super().__init__(
            name=name,
            low=settings.low_um,
            high=settings.high_um,
            tolerance=settings.tolerance_um,
            timeout_s=settings.timeout_s,
        )

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the motor's setpoint, um."""
        return {"setpoint": value}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the position, um, from the motor's read-back."""
        return float(raw["readback"])

    def stop(self, *, success: bool = False) -> None:
        """Stop the mirror where it is; does nothing if the motor does not answer."""
        if self.halt.connected:
            self.halt.put(1)


def pointing_axis(settings: PointingSettings, motor: str, prefix: str, name: str) -> Pointing | None:
    """Return one direction of the pointing, um; None without a motor."""
    return Pointing(settings, motor, prefix=prefix, name=name) if motor else None
