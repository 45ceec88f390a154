"""Lowest, highest and last value of PVs during the frames of a sequence: evidence of what held while they counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from caproto import AlarmSeverity

from sim.ioc.records.after_write import after_write
from sim.types import FloatArray

Resolve = Callable[[str], Any]
"""Returns the channel of a PV or of a field of a record by its full name; raises KeyError for an unknown name."""


class WatchedPv:
    """One PV, followed at every change of its value; `low`, `high` and `last` are in its unit, NaN in INVALID alarm."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.last = math.nan
        self.low = math.nan
        self.high = math.nan
        self.begin()
        after_write(channel, self._changed)

    def begin(self) -> None:
        """Start a frame: its lowest and highest value so far are the present one."""
        self._changed()
        self.low = self._valid()
        self.high = self.low

    def _changed(self) -> None:
        self.last = _number(self._channel)
        # NaN stays: a frame in which the value was not known once is not known to be good.
        value = self._valid()
        self.low = value if math.isnan(value) else min(self.low, value)
        self.high = value if math.isnan(value) else max(self.high, value)

    def _valid(self) -> float:
        return math.nan if self._channel.alarm.severity == AlarmSeverity.INVALID_ALARM else self.last


def _number(channel: Any) -> float:
    value = channel.value
    if isinstance(value, str | bytes) and getattr(channel, "enum_strings", None):
        text = value.decode() if isinstance(value, bytes) else value
        return float(list(channel.enum_strings).index(text))
    return float(value)


class WatchedPvs:
    """The PVs that a client has asked to watch, at most `slots`; their channels come from `resolve`."""

    def __init__(self, resolve: Resolve, slots: int) -> None:
        self._resolve = resolve
        self._slots = slots
        self._known: dict[str, WatchedPv] = {}
        self._watched: list[WatchedPv] = []

    def choose(self, names: Sequence[str]) -> None:
        """Watch the PVs with these full names from now on; raises KeyError, changing nothing, for an unknown one."""
        if len(names) > self._slots:
            raise KeyError(f"{len(names)} PVs; at most {self._slots} can be watched")
        for name in names:
            if name not in self._known:
                self._known[name] = WatchedPv(self._resolve(name))
        self._watched = [self._known[name] for name in names]

    def begin(self) -> None:
        """Start a frame of all watched PVs."""
        for one in self._watched:
            one.begin()

    def evidence(self) -> FloatArray:
        """Return lowest, highest and last values of the frame, (3 x slots,), NaN for slots without a PV."""
        unused = [math.nan] * (self._slots - len(self._watched))
        rows = [[getattr(one, side) for one in self._watched] + unused for side in ("low", "high", "last")]
        return np.asarray(rows, dtype=float).ravel()
