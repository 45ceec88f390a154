"""The stage that puts the jet or the powder cell into the beam."""

from __future__ import annotations

from typing import Any

from ophyd import Device, EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.configuration import CellSettings
from devices.signals.move_status import MoveStatus, end_at, finished
from devices.signals.uncached_signal import FreshSignalRO, put_with_completion, read_together
from errors import InputError

EXCHANGE_TIMEOUT_S = 10.0
"""Longest time in which the stage exchanges the samples, s."""

SAMPLES = ("jet", "cell")
"""Samples that the stage can put into the beam, in the order of its record's choices."""


class SampleStage(Device):
    """Stage with two positions: the jet in the beam, or the powder cell."""

    setpoint = FCpt(EpicsSignal, "{_prefix}{_settings.sample_select}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_prefix}{_settings.sample_status}", kind="omitted")

    def __init__(self, settings: CellSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__("", name=name)

    def state_of(self, value: str) -> int:
        """Return the read-back that means that `value` is in the beam: 0 for the jet, 1 for the cell."""
        return SAMPLES.index(value)

    @property
    def position(self) -> str:
        """Sample in the beam, "jet" or "cell", requested from the hardware; raises NotConnectedError if unanswered."""
        return SAMPLES[int(read_together({"state": self.readback})["state"])]

    def check_value(self, value: str) -> None:
        """Raise InputError unless `value` is "jet" or "cell"."""
        if value not in SAMPLES:
            raise InputError(f'{self.name} = {value!r}: the sample in the beam can be "jet" or "cell".')

    def set(self, value: str) -> DeviceStatus:
        """Move `value` into the beam; the status is done when the read-back agrees.

        It fails with MotionError if another sample is in the beam then. Raises InputError for an unknown sample.
        """
        self.check_value(value)
        if self.position == value:
            return finished(self)
        pvs = [self.setpoint.pvname]
        status = MoveStatus(self, what=f"{self.name} to be {value}", pvs=pvs, timeout_s=EXCHANGE_TIMEOUT_S)

        def failure(reached: str) -> str:
            return f"{self.name} was sent to {value} and is at {reached}. Check {self.readback.pvname} and the stage."

        put_with_completion(
            self.setpoint, self.state_of(value), lambda **_: end_at(status, lambda: self.position, value, failure)
        )
        return status

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: the stage finishes its stroke."""

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the sample in the beam under the stage's own name; raises NotConnectedError if unanswered."""
        return {self.name: {"value": self.position, "timestamp": float(self.readback.timestamp or 0.0)}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of the sample in the beam, a string."""
        return {self.name: {"source": f"PV:{self.readback.pvname}", "dtype": "string", "shape": []}}
