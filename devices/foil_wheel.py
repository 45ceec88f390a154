"""The wheel of calibration foils behind the sample."""

from __future__ import annotations

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.configuration import FoilWheelSettings
from devices.named_position import NamedPosition
from devices.signals.uncached_signal import FreshSignalRO, read_together
from errors import InputError


class FoilWheel(NamedPosition):
    """Wheel that puts the foil of one element behind the sample; its records take the element's symbol as a string."""

    setpoint = FCpt(EpicsSignal, "{_prefix}{_settings.element}", kind="omitted", string=True)
    readback = FCpt(FreshSignalRO, "{_prefix}{_settings.element_readback}", kind="omitted")

    def __init__(self, settings: FoilWheelSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__(name=name, timeout_s=settings.timeout_s)

    @property
    def position(self) -> str:
        """Element of the foil in the beam, "" for none, requested from the hardware.

        Raises NotConnectedError if it does not answer.
        """
        return str(read_together({"element": self.readback})["element"])

    def check_value(self, value: str) -> None:
        """Raise InputError unless `value` is a string: the symbol of an element, or "" for no foil."""
        if not isinstance(value, str):
            raise InputError(f'{self.name} = {value!r}: give the symbol of an element, such as "Fe", or "" for none.')

    def _record_value(self, value: str) -> str:
        return value

    def _failure(self, value: str, reached: str) -> str:
        text = f"{self.name} was sent to {value!r} and is at {reached!r} ({self.readback.pvname})."
        return f"{text} Check that the wheel holds a foil of {value}."
