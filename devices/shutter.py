"""A shutter that counts as open or closed only once its read-back confirms it."""

from __future__ import annotations

import time
from enum import IntEnum
from typing import Any

from ophyd import Device, EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.names import ShutterState
from devices.signals.move_status import MoveStatus, fail, finish
from devices.signals.uncached_signal import FreshSignalRO, put_with_completion, read_together
from errors import InputError, MotionError


class ShutterCode(IntEnum):
    """State of a shutter in records, frames and events; `MOVED`: it moved during the exposure."""

    MOVED = -1
    CLOSED = 0
    OPEN = 1


CLOSED = ShutterCode.CLOSED

OPEN = ShutterCode.OPEN

STATES: dict[str, int] = {ShutterState.CLOSED: CLOSED, ShutterState.OPEN: OPEN}
"""Code of a shutter record by the word that plans use."""


class Shutter(Device):
    """Laser or X-ray shutter: a binary output and its read-back, 0 closed and 1 open."""

    can_close = True
    """Whether there is anything that blocks the beam."""

    setpoint = FCpt(EpicsSignal, "{_setpoint_name}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_readback_name}", kind="omitted")

    def __init__(self, setpoint: str, readback: str, *, name: str, timeout_s: float) -> None:
        self._setpoint_name = setpoint
        self._readback_name = readback
        self.timeout_s = timeout_s
        super().__init__("", name=name)

    @property
    def position(self) -> str:
        """State, "open" or "closed", requested from the hardware; raises NotConnectedError if unanswered."""
        return (ShutterState.OPEN if self._reached() == OPEN else ShutterState.CLOSED).value

    def check_value(self, value: str) -> None:
        """Raise InputError unless `value` is "open" or "closed"."""
        if not isinstance(value, str) or value not in STATES:
            raise InputError(f'{self.name} = {value!r}: a shutter can be "open" or "closed".')

    def set(self, value: str) -> DeviceStatus:
        """Move to "open" or "closed"; the status fails with MotionError unless the read-back agrees afterwards.

        Raises InputError for any other value, NotConnectedError if the record is not connected.
        """
        self.check_value(value)
        pvs = [self._setpoint_name]
        status = MoveStatus(self, what=f"{self.name} to be {value}", pvs=pvs, timeout_s=self.timeout_s)

        def arrived(**_: Any) -> None:
            """End the status: as a success if the shutter has arrived, otherwise with the error of `_require`."""
            try:
                self._require(value)
            except Exception as error:  # noqa: BLE001  # a thread of Channel Access swallows it, and the status would never end
                fail(status, error)
            else:
                finish(status)

        status.begin_by(lambda: put_with_completion(self.setpoint, int(STATES[value]), arrived))
        return status

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: a shutter finishes its stroke."""

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the state, 0 closed or 1 open, under the shutter's own name; raises the same errors as `position`."""
        return {self.name: {"value": self._reached(), "timestamp": time.time()}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of the state, an integer: 0 closed, 1 open."""
        return {self.name: {"source": f"PV:{self._readback_name}", "dtype": "integer", "shape": []}}

    @property
    def hints(self) -> dict[str, list[str]]:
        """Fields that displays show and `bps.rd` returns: the state, under the shutter's own name."""
        return {"fields": [self.name]}

    def _require(self, value: str) -> None:
        # Put completion only means that the record has processed; an interlock can refuse the stroke without any error.
        if self._reached() != STATES[value]:
            raise MotionError(
                f"{self.name} was sent to {value} and did not arrive. Check {self._readback_name}, the "
                "interlock and the watchdog."
            )

    def _reached(self) -> int:
        # From the hardware, never from a monitor: a monitor that is late would call a shutter closed that is open.
        return int(read_together({"state": self.readback})["state"])


class OpenBeam(Shutter):
    """Stand-in for a shutter that cannot be moved from here: always open."""

    can_close = False
    setpoint = None
    readback = None

    def __init__(self, *, name: str) -> None:
        super().__init__("", "", name=name, timeout_s=0.0)

    def check_value(self, value: str) -> None:
        """Raise InputError unless `value` is "open": nothing here can close it."""
        super().check_value(value)
        if STATES[value] != OPEN:
            raise InputError(
                f"{self.name} = {value!r}: the beamline has no such shutter, so the beam is always on. Measure without "
                "a reference by the shutter, or give its PVs in the configuration."
            )

    def set(self, value: str) -> DeviceStatus:
        """Return a status that is done; raises InputError for "closed"."""
        self.check_value(value)
        status = DeviceStatus(self)
        status.set_finished()
        return status

    def _reached(self) -> int:
        return int(OPEN)
