"""The wheel of calibration foils behind the sample."""

from __future__ import annotations

from typing import Any

from ophyd import Device, EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.configuration import FoilWheelSettings
from devices.signals.move_status import MoveStatus, end_at, finished
from devices.signals.uncached_signal import FreshSignalRO, put_with_completion, read_together
from errors import InputError


class FoilWheel(Device):
    """Wheel that puts the foil of one element behind the sample; its records take the element's symbol as a string."""

    setpoint = FCpt(EpicsSignal, "{_prefix}{_settings.element}", kind="omitted", string=True)
    readback = FCpt(FreshSignalRO, "{_prefix}{_settings.element_readback}", kind="omitted")

    def __init__(self, settings: FoilWheelSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__("", name=name)

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

    def set(self, value: str) -> DeviceStatus:
        """Turn to the foil of the element `value`; the status is done when the read-back agrees.

        It fails with MotionError if the wheel has no such foil. Raises InputError if `value` is not a string.
        """
        # The record accepts any text and stays where it is if there is no such foil: only the read-back shows that.
        self.check_value(value)
        if self.position == value:
            return finished(self)
        pvs = [self.setpoint.pvname]
        status = MoveStatus(self, what=f"{self.name} to be {value}", pvs=pvs, timeout_s=self._settings.timeout_s)

        def failure(reached: str) -> str:
            text = f"{self.name} was sent to {value!r} and is at {reached!r} ({self.readback.pvname})."
            return f"{text} Check that the wheel holds a foil of {value}."

        put_with_completion(self.setpoint, value, lambda **_: end_at(status, lambda: self.position, value, failure))
        return status

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: the wheel finishes its turn."""

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the element under the wheel's own name; raises the same errors as `position`."""
        return {self.name: {"value": self.position, "timestamp": float(self.readback.timestamp or 0.0)}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of the element, a string."""
        return {self.name: {"source": f"PV:{self.readback.pvname}", "dtype": "string", "shape": []}}
