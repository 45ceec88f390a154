"""The stage that puts the jet or the powder cell into the beam."""

from __future__ import annotations

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.configuration import CellSettings
from devices.named_position import NamedPosition
from devices.signals.uncached_signal import FreshSignalRO, read_together
from errors import InputError

EXCHANGE_TIMEOUT_S = 10.0
"""Longest time in which the stage exchanges the samples, s."""

SAMPLES = ("jet", "cell")
"""Samples that the stage can put into the beam, in the order of its record's choices."""


class SampleStage(NamedPosition):
    """Stage with two positions: the jet in the beam, or the powder cell."""

    setpoint = FCpt(EpicsSignal, "{_prefix}{_settings.sample_select}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_prefix}{_settings.sample_status}", kind="omitted")

    def __init__(self, settings: CellSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__(name=name, timeout_s=EXCHANGE_TIMEOUT_S)

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

    def _record_value(self, value: str) -> int:
        return self.state_of(value)

    def _failure(self, value: str, reached: str) -> str:
        return f"{self.name} was sent to {value} and is at {reached}. Check {self.readback.pvname} and the stage."
