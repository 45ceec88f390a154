"""The counter behind the analyser crystal: one frame per exposure, with its number, so that exposures never mix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ophyd import Component, EpicsSignal
from ophyd.status import StatusBase

from devices.exposure.event_fields import data_key
from devices.exposure.technique_reader import TechniqueDetector
from devices.signals.move_status import MoveStatus, finish
from devices.signals.uncached_signal import FreshSignalRO, put_and_wait, put_with_completion, read_together
from errors import AcquisitionError

COUNTS = "emission_counts"
"""Event field with the photons of one exposure."""

MARGIN_S = 20.0
"""Longest time beyond its dwell that an exposure may take, s."""

SHORTEST = 0.999
"""Share of the dwell that a whole exposure has counted at least."""


class EmissionCounter(TechniqueDetector):
    """A counter with the PVs Dwell (s), Count (1 starts; the put completes at the end) and Frame.

    The frame holds the number of the exposure, the seconds that it counted, and its counts.
    """

    dwell = Component(EpicsSignal, "Dwell", kind="omitted")
    count = Component(EpicsSignal, "Count", kind="omitted")
    frame = Component(FreshSignalRO, "Frame", kind="omitted")

    def __init__(self, prefix: str, *, name: str, **kwargs: Any) -> None:
        self._dwell_s = math.nan
        self._before = -1
        super().__init__(prefix, name=name, **kwargs)

    def prepare(self, dwell_s: float) -> None:
        """Set the dwell, s, and remember the number of the last exposure; raise NotConnectedError if unanswered."""
        # Written each time: the dwell of an IOC that was restarted is lost, and a write takes a millisecond.
        put_and_wait(self.dwell, dwell_s)
        self._dwell_s = dwell_s
        # The next frame must have the number after this one, or it is of another exposure, or of another client.
        self._before = int(read_together(self.fresh_signals())["frame"][0])

    def trigger(self) -> StatusBase:
        """Start counting; the status fails with a time-out that names the PV if the put does not complete."""
        status = MoveStatus(
            self,
            what=f"an emission exposure of {self._dwell_s:g} s",
            pvs=[self.count.pvname],
            timeout_s=self._dwell_s + MARGIN_S,
        )
        put_with_completion(self.count, 1, lambda **_: finish(status))
        return status

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signal of the frame, (3,)."""
        return {"frame": self.frame}

    def values(self, raw: Mapping[str, Any], exposure_s: float) -> dict[str, Any]:  # noqa: ARG002  # it has its own clock
        """Return the counts; raise AcquisitionError if the frame is not of the exposure that was triggered last."""
        number, seconds, counts = raw["frame"]
        if int(number) != self._before + 1 or seconds < SHORTEST * self._dwell_s:
            raise AcquisitionError(
                f"{self.frame.pvname} holds exposure {int(number)} of {seconds:g} s, expected {self._before + 1} of "
                f"{self._dwell_s:g} s; the point is measured again. Check whether another client is counting."
            )
        return {COUNTS: int(counts)}

    def data_keys(self) -> dict[str, dict[str, Any]]:
        """Return the data key of the counts."""
        return {COUNTS: data_key("integer", source=self.frame.pvname, units="counts")}
