"""A device with positions that have names, one of which is in the beam."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ophyd import Device
from ophyd.status import DeviceStatus

from devices.signals.move_status import MoveStatus, end_at, finished
from devices.signals.uncached_signal import put_with_completion


class NamedPosition(Device):
    """Base of devices that a word moves; a subclass has the components `setpoint` and `readback`."""

    setpoint: Any
    readback: Any

    def __init__(self, *, name: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        super().__init__("", name=name)

    @property
    @abstractmethod
    def position(self) -> str:
        """Name of the present position, requested from the hardware; raises NotConnectedError if unanswered."""

    @abstractmethod
    def check_value(self, value: str) -> None:
        """Raise InputError unless the device can have a position of this name."""

    @abstractmethod
    def _record_value(self, value: str) -> str | int:
        """Return what the setpoint takes for the position `value`."""

    @abstractmethod
    def _failure(self, value: str, reached: str) -> str:
        """Return the message about a move to `value` that ended at `reached`."""

    def set(self, value: str) -> DeviceStatus:
        """Move to the position `value`; the status is done when the read-back agrees.

        It fails with MotionError if the device is elsewhere then, and with a time-out that names the PV. Raises
        InputError for a value that `check_value` refuses.
        """
        # The record may accept any value and stay where it is: only the read-back shows that.
        self.check_value(value)
        if self.position == value:
            return finished(self)
        pvs = [self.setpoint.pvname]
        status = MoveStatus(self, what=f"{self.name} to be {value}", pvs=pvs, timeout_s=self._timeout_s)

        def failure(reached: str) -> str:
            return self._failure(value, reached)

        def arrived(**_: Any) -> None:
            end_at(status, lambda: self.position, value, failure)

        status.begin_by(lambda: put_with_completion(self.setpoint, self._record_value(value), arrived))
        return status

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: a move between two positions is not interrupted."""

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the position under the device's own name; raises NotConnectedError if unanswered."""
        return {self.name: {"value": self.position, "timestamp": float(self.readback.timestamp or 0.0)}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of the position, a string."""
        return {self.name: {"source": f"PV:{self.readback.pvname}", "dtype": "string", "shape": []}}
