"""Watch over axes during an exposure: an axis that jumps and returns looks right at the start and at the end."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Mapping
from functools import partial

from devices.axes.axis import Axis
from devices.signals.uncached_signal import PvReading, follow_stamped, read_with_alarms


class AxisWatch:
    """Watch over the read-backs of those `axes` (by event field) that `expect` has given a position.

    Axes that are `steady` and have no expected position must stay where they were when the exposure began.

    `on_failure` is called when one of them leaves its tolerance during an exposure, or its read-back becomes invalid;
    the call comes from a thread of Channel Access.
    """

    # An axis that jumps and returns during an exposure looks right at both ends, so only monitors can show it. They can
    # also be late, or fall silent without notice; therefore `end` compares read-backs that were just requested, too.
    # Invariants: `_raw` holds the latest raw read-backs of every axis that was ever expected (it is followed from then
    # on), NaN while its record is invalid. NaN is within no tolerance, so an invalid axis counts as astray. `_strayed`
    # holds the first stray position of each axis in the current exposure; entries are added only from `begin` to `end`.
    # `_resting` are the steady axes of the current exposure: nobody has sent them anywhere, so that one whose record is
    # invalid is recorded as such, but makes no exposure bad.
    # `_stamps` are the times of the records behind `_raw`. The read-backs that proved the end of a move overtake the
    # monitors of the same move, which come up to 10 ms later. They are adopted if their record is newer than what is
    # known, and monitors that are older than what was adopted are dropped. A record whose stamps stand still is never
    # newer: its monitors alone count, as without this.
    # `_released` are the axes that have left for the next point while the exposure is read out: only the read-backs
    # that were requested before they left show where they were.

    def __init__(self, axes: Mapping[str, Axis], on_failure: Callable[[], None], steady: Collection[str] = ()) -> None:
        self._axes = dict(axes)
        self._on_failure = on_failure
        self._raw: dict[str, dict[str, float]] = {}
        self._stamps: dict[str, dict[str, float]] = {}
        self._steady = frozenset(steady)
        self._resting: frozenset[str] = frozenset()
        self._expected: dict[str, float] = {}
        self._strayed: dict[str, float] = {}
        self._released: frozenset[str] = frozenset()
        self._exposing = False
        self._lock = threading.Lock()

    def expect(self, positions: Mapping[str, float]) -> None:
        """Require these `positions`, by event field and in its unit, of the next exposures.

        Other axes do not matter, but those that are steady must stay where they are during an exposure. Raises
        NotConnectedError if a read-back that is followed for the first time does not answer.
        """
        for key in (positions.keys() | self._steady) - self._raw.keys():
            self._follow(key)
        with self._lock:
            self._expected = dict(positions)
            self._resting = frozenset()
            self._released = frozenset()
            self._exposing = False

    def expected(self, key: str) -> float:
        """Return the expected position of an axis, in its unit; raises KeyError for an axis without one."""
        return self._expected[key]

    def astray(self) -> dict[str, float]:
        """Return the positions, in their units, of the axes that are off their targets according to the monitors."""
        return {key: position for key in self._expected if not self._holds(key, position := self._position(key))}

    def adopt_arrivals(self) -> None:
        """Take the read-backs with which the latest moves ended, where their records are newer than the monitors."""
        with self._lock:
            for key in self._expected:
                stamps = self._stamps[key]
                for attribute, reading in self._axes[key].arrived_with.items():
                    if reading.stamp_s > stamps[attribute]:
                        stamps[attribute] = reading.stamp_s
                        self._raw[key][attribute] = reading.number()

    def begin(self) -> None:
        """Start an exposure: forget which axes strayed before, and note those that are astray already."""
        with self._lock:
            self._resting = self._steady - (self._expected.keys() - self._resting)
            resting = {key: self._position(key) for key in self._resting}
            self._expected |= {key: position for key, position in resting.items() if math.isfinite(position)}
            self._strayed = self.astray()
            self._exposing = True

    def release(self, axes: frozenset[str]) -> bool:
        """Let `axes`, by event field, leave for the next point: the read-backs of the exposure are requested.

        Return false, and go on watching them, if any axis has been astray during the exposure.
        """
        with self._lock:
            if self._strayed:
                return False
            self._released = axes
            return True

    def end(self, raw: Mapping[str, PvReading]) -> dict[str, float]:
        """End the exposure; return the first stray position of every axis that was astray at any time since `begin`.

        Positions are by event field, in its unit. `raw` is as for `update`: a monitor may have gone silent.
        """
        self.update(raw)
        with self._lock:
            self._exposing = False
            there = {
                key: self._axes[key].value_from_raw(
                    {name: reading.number() for name, reading in self._readings(key, raw).items()}
                )
                for key in self._released
            }
            left = {key: at for key, at in there.items() if key in self._expected and not self._holds(key, at)}
            others = {key: position for key, position in self.astray().items() if key not in self._released}
            return others | left | self._strayed

    def update(self, raw: Mapping[str, PvReading]) -> None:
        """Replace the values of the monitors by read-backs just requested; their keys are "axis name.attribute"."""
        with self._lock:
            for key, known in self._raw.items():
                if key in self._released:
                    continue
                readings = self._readings(key, raw)
                known |= {name: reading.number() for name, reading in readings.items()}
                # Also if they are older than before: the clock of a server may have been set back.
                self._stamps[key] = {name: reading.stamp_s for name, reading in readings.items()}

    def _readings(self, key: str, raw: Mapping[str, PvReading]) -> dict[str, PvReading]:
        return {name: raw[f"{self._axes[key].name}.{name}"] for name in self._raw[key]}

    def _position(self, key: str) -> float:
        return self._axes[key].value_from_raw(self._raw[key])

    def _holds(self, key: str, position: float) -> bool:
        if key in self._resting and math.isnan(position):
            return True
        return abs(position - self._expected[key]) <= self._axes[key].tolerance

    def _follow(self, key: str) -> None:
        signals = self._axes[key].fresh_signals()
        readings = read_with_alarms(signals)
        self._stamps[key] = {attribute: reading.stamp_s for attribute, reading in readings.items()}
        self._raw[key] = {attribute: reading.number() for attribute, reading in readings.items()}
        for attribute, signal in signals.items():
            follow_stamped(signal, partial(self._changed, key, attribute))

    def _changed(self, key: str, attribute: str, value: float, stamp_s: float) -> None:
        with self._lock:
            if stamp_s < self._stamps[key][attribute]:
                return
            self._stamps[key][attribute] = stamp_s
            self._raw[key][attribute] = value
            is_known = key in self._strayed or key in self._released
            watched = self._exposing and key in self._expected and not is_known
            strays = watched and not self._holds(key, position := self._position(key))
            if strays:
                self._strayed[key] = position
        if strays:
            self._on_failure()
