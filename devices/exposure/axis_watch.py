"""Watch over axes during an exposure: an axis that jumps and returns looks right at the start and at the end.

`FollowedAxes` follows the monitors of read-backs and outlives all runs. An `AxisWatch` belongs to one exposure: it
knows where the axes must be, and collects those that are elsewhere from `begin` to `end`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Mapping
from functools import partial

from devices.axes.axis import Axis
from devices.signals.uncached_signal import PvReading, follow_stamped, read_with_alarms


class FollowedAxes:
    """The `axes`, by event field, whose read-backs are followed from the first watch on that needs them.

    Axes that are `steady` and have no expected position must stay where they were when an exposure began. `on_failure`
    is called when a watched axis leaves its tolerance during an exposure, or its read-back becomes invalid; the call
    comes from a thread of Channel Access.
    """

    # An axis that jumps and returns during an exposure looks right at both ends, so only monitors can show it. They can
    # also be late, or fall silent without notice; therefore the end of a watch compares read-backs that were just
    # requested, too.
    # Invariants: `_raw` holds the latest raw read-backs of every axis that was ever watched (it is followed from then
    # on), NaN while its record is invalid. NaN is within no tolerance, so an invalid axis counts as astray.
    # `_stamps` are the times of the records behind `_raw`. The read-backs that proved the end of a move overtake the
    # monitors of the same move, which come up to 10 ms later. They are adopted if their record is newer than what is
    # known, and monitors that are older than what was adopted are dropped. A record whose stamps stand still is never
    # newer: its monitors alone count, as without this.
    # There is one master scaler, so one watch at a time: `_watch`, the one that began last, learns what monitors show.
    # All of this, and the state of every watch, changes under `lock`.

    def __init__(self, axes: Mapping[str, Axis], on_failure: Callable[[], None], steady: Collection[str] = ()) -> None:
        self.axes: Mapping[str, Axis] = dict(axes)
        """The axes by event field."""
        self.steady = frozenset(steady)
        """Event fields of the axes that must stay where they are."""
        self.lock = threading.RLock()
        """Held while a watch changes."""
        self._on_failure = on_failure
        self._raw: dict[str, dict[str, float]] = {}
        self._stamps: dict[str, dict[str, float]] = {}
        self._watch: AxisWatch | None = None

    def watch(self, positions: Mapping[str, float]) -> AxisWatch:
        """Return the watch of an exposure with these `positions`, by event field and in its unit.

        Other axes do not matter, but those that are steady must stay where they are. Raises NotConnectedError if a
        read-back that is followed for the first time does not answer.
        """
        for key in (positions.keys() | self.steady) - self._raw.keys():
            self._follow(key)
        return AxisWatch(self, positions)

    def hand_over(self, watch: AxisWatch) -> None:
        """Let `watch`, whose exposure begins, learn from now on what the monitors show."""
        self._watch = watch

    def position(self, key: str) -> float:
        """Return the latest position of an axis that is followed, in its unit; NaN while its read-back is invalid."""
        return self.axes[key].value_from_raw(self._raw[key])

    def position_in(self, raw: Mapping[str, PvReading], key: str) -> float:
        """Return the position of an axis according to read-backs just requested, in its unit; `raw` as in `update`."""
        return self.axes[key].value_from_raw({name: one.number() for name, one in self._readings(key, raw).items()})

    def adopt_arrivals(self, keys: Collection[str]) -> None:
        """Take the read-backs with which the latest moves ended, where their records are newer than the monitors."""
        with self.lock:
            for key in keys:
                stamps = self._stamps[key]
                for attribute, reading in self.axes[key].arrived_with.items():
                    if reading.stamp_s > stamps[attribute]:
                        stamps[attribute] = reading.stamp_s
                        self._raw[key][attribute] = reading.number()

    def update(self, raw: Mapping[str, PvReading], without: Collection[str] = ()) -> None:
        """Replace the values of the monitors by read-backs just requested; their keys are "axis name.attribute".

        The axes in `without`, by event field, have left since.
        """
        with self.lock:
            for key, known in self._raw.items():
                if key in without:
                    continue
                readings = self._readings(key, raw)
                known |= {name: reading.number() for name, reading in readings.items()}
                # Also if they are older than before: the clock of a server may have been set back.
                self._stamps[key] = {name: reading.stamp_s for name, reading in readings.items()}

    def _readings(self, key: str, raw: Mapping[str, PvReading]) -> dict[str, PvReading]:
        return {name: raw[f"{self.axes[key].name}.{name}"] for name in self._raw[key]}

    def _follow(self, key: str) -> None:
        signals = self.axes[key].fresh_signals()
        readings = read_with_alarms(signals)
        self._stamps[key] = {attribute: reading.stamp_s for attribute, reading in readings.items()}
        self._raw[key] = {attribute: reading.number() for attribute, reading in readings.items()}
        for attribute, signal in signals.items():
            follow_stamped(signal, partial(self._changed, key, attribute))

    def _changed(self, key: str, attribute: str, value: float, stamp_s: float) -> None:
        with self.lock:
            if stamp_s < self._stamps[key][attribute]:
                return
            self._stamps[key][attribute] = stamp_s
            self._raw[key][attribute] = value
            strays = self._watch is not None and self._watch.note_move(key)
        if strays:
            self._on_failure()


class AxisWatch:
    """Collector of the axes that are not where one exposure needs them; made by `FollowedAxes.watch`."""

    # `_targets` are the positions that the exposure needs; `_expected` adds those of the resting axes. `_resting` are
    # the steady axes of the exposure: nobody has sent them anywhere, so that one whose record is invalid is recorded as
    # such, but makes no exposure bad. `_strayed` holds the first stray position of each axis; entries are added only
    # from `begin` to `end`. `_released` are the axes that have left for the next point while the exposure is read out:
    # only the read-backs that were requested before they left show where they were. `_arriving` are those at the end of
    # a move that has been reported as complete: their monitors may still show where they came from.

    def __init__(self, followed: FollowedAxes, positions: Mapping[str, float]) -> None:
        self._followed = followed
        self._targets = dict(positions)
        self._expected = self._targets
        self._resting: frozenset[str] = frozenset()
        self._strayed: dict[str, float] = {}
        self._released: frozenset[str] = frozenset()
        self._arriving: frozenset[str] = frozenset()
        self._exposing = False

    def expected(self, key: str) -> float:
        """Return the expected position of an axis, in its unit; raises KeyError for an axis without one."""
        return self._expected[key]

    def astray(self, arriving: frozenset[str] = frozenset()) -> dict[str, float]:
        """Return the positions, in their units, of the axes that are off their targets according to the monitors.

        The read-backs that ended the latest moves count as well, if they are newer. Axes `arriving` are left out.
        """
        with self._followed.lock:
            self._followed.adopt_arrivals(self._expected.keys() - arriving)
            return self._astray(arriving)

    def begin(self, arriving: frozenset[str] = frozenset()) -> None:
        """Start the exposure: forget which axes strayed before, and note those that are astray already.

        The axes `arriving`, by event field, are at the end of their move, and watched from `arrive` on.
        """
        followed = self._followed
        with followed.lock:
            self._resting = followed.steady - self._targets.keys()
            resting = {key: followed.position(key) for key in self._resting}
            self._expected = self._targets | {key: at for key, at in resting.items() if math.isfinite(at)}
            self._released = frozenset()
            self._arriving = arriving
            self._strayed = self._astray(arriving)
            self._exposing = True
            followed.hand_over(self)

    def arrive(self) -> bool:
        """Watch the axes that were arriving, too, and return whether all axes are at their targets.

        The read-backs that ended their moves are known by now.
        """
        followed = self._followed
        with followed.lock:
            followed.adopt_arrivals(self._arriving)
            self._arriving = frozenset()
            self._strayed = self._astray() | self._strayed
            return not self._strayed

    def close(self) -> None:
        """End the watch over an exposure that nobody reads."""
        with self._followed.lock:
            self._exposing = False

    def release(self, axes: frozenset[str]) -> bool:
        """Let `axes`, by event field, leave for the next point: the read-backs of the exposure are requested.

        Return false, and go on watching them, if any axis has been astray during the exposure.
        """
        with self._followed.lock:
            if self._strayed:
                return False
            self._released = axes
            return True

    def end(self, raw: Mapping[str, PvReading]) -> dict[str, float]:
        """End the exposure; return the first stray position of every axis that was astray at any time since `begin`.

        Positions are by event field, in its unit. `raw` has the read-backs requested at the end, their keys are
        "axis name.attribute": a monitor may have gone silent.
        """
        followed = self._followed
        with followed.lock:
            self._exposing = False
            followed.update(raw, without=self._released)
            there = {key: followed.position_in(raw, key) for key in self._expected}
            return {key: at for key, at in there.items() if not self._holds(key, at)} | self._strayed

    def note_move(self, key: str) -> bool:
        """Note that an axis has moved; return whether it has left its target with this. The caller has the lock."""
        if not self._exposing or key not in self._expected or key in self._strayed:
            return False
        if key in self._released or key in self._arriving:
            return False
        position = self._followed.position(key)
        if self._holds(key, position):
            return False
        self._strayed[key] = position
        return True

    def _astray(self, arriving: frozenset[str] = frozenset()) -> dict[str, float]:
        there = {key: self._followed.position(key) for key in self._expected.keys() - arriving}
        return {key: at for key, at in there.items() if not self._holds(key, at)}

    def _holds(self, key: str, position: float) -> bool:
        if key in self._resting and math.isnan(position):
            return True
        return abs(position - self._expected[key]) <= self._followed.axes[key].tolerance
