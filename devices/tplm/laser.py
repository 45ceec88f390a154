"""Repetition rate of the laser: set at the laser, read at the sync input of the photon timing."""

from __future__ import annotations

from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.axes.axis import Axis
from devices.configuration import RecordAxisSettings
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal, put_and_wait

SYNC_LIMIT_MHZ = 10.0
"""Highest rate that the sync input follows behind its divider, MHz (vendor's rule)."""

DIVIDERS = (1, 2, 4, 8)
"""Dividers of the sync input, in the order of the choices of its record."""

RELATIVE_TOLERANCE = 0.01
"""Accepted relative difference between the rate that is read and the rate that is set."""


def divider_index(rate_mhz: float) -> int:
    """Return the choice of the sync divider for a repetition rate, MHz: the smallest that the input can follow."""
    fits = (index for index, divider in enumerate(DIVIDERS) if rate_mhz <= SYNC_LIMIT_MHZ * divider)
    return next(fits, len(DIVIDERS) - 1)


class RepetitionRate(Axis):
    """Repetition rate, MHz; the trigger source follows from it at the laser.

    The table gives `setpoint` in MHz, `readback` with `scale` units per MHz, and as `pv` the divider of the sync input.
    """

    setpoint = FCpt(LimitedSignal, "{_setpoint_pv}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_readback_pv}", kind="omitted")
    divider = FCpt(EpicsSignal, "{_divider_pv}", kind="omitted")

    unit = "MHz"
    raw_readbacks = ("readback",)
    raw_setpoints = ("setpoint",)

    def __init__(self, settings: RecordAxisSettings, *, prefix: str, name: str) -> None:
        self._setpoint_pv = prefix + settings.setpoint
        self._readback_pv = prefix + settings.readback
        self._divider_pv = prefix + settings.pv
        self._scale = settings.scale
        self.settle_s = settings.settle_s
        super().__init__(name=name, **settings.motion)

    def set(self, value: float) -> DeviceStatus:
        """Set the sync divider, then the rate, MHz; the status is done when the sync input counts that rate.

        Raises the errors of any axis, and NotConnectedError if the divider does not answer.
        """
        self.check_value(value)
        # The sync input is read with a relative error, and rates span a factor of 160.
        self.tolerance = RELATIVE_TOLERANCE * value
        # The divider first: a rate that the input cannot follow would be read as 0.
        put_and_wait(self.divider, divider_index(value))
        return super().set(value)

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the setpoint of the laser, MHz."""
        return {"setpoint": value}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the rate (MHz) from that of the sync input (Hz)."""
        return float(raw["readback"]) / self._scale

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: there is no motion."""
