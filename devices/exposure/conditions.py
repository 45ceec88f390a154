"""Conditions that must hold during the whole of an exposure, not only at its end.

`Conditions` knows the PVs, follows their monitors and holds their latest values; it outlives all runs. A
`ConditionWatch` belongs to one exposure: it knows which conditions that exposure needs, and collects those that fail
from `begin` to `end`. There is one master scaler, so one watch at a time: the one that began last. A PV in
INVALID alarm counts as NaN, which is within no limits. Monitors report from threads of Channel Access, hence the lock.
As a monitor may go silent without notice, `end` also takes values that were requested from the server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from devices.configuration import QualitySettings
from devices.exposure.condition_limits import ANY_POWER_W, C, Condition, monitored_conditions
from devices.laser import Laser
from devices.signals.uncached_signal import FreshSignalRO, PvReading, follow, read_with_alarms
from devices.surroundings import Surroundings
from errors import NotConnectedError


class Conditions:
    """All conditions of a beamline, from the monitors of laser, ring, shutter and jet.

    A condition that no exposure needs is not read; its PV need not even be connected. `on_failure` is called when a
    needed condition fails during an exposure; the call comes from a thread of Channel Access.
    """

    def __init__(
        self,
        laser: Laser,
        surroundings: Surroundings,
        quality: QualitySettings | None = None,
        injecting: FreshSignalRO | None = None,
        *,
        on_failure: Callable[[], None] = lambda: None,
        further: Sequence[Condition] = (),
    ) -> None:
        quality = QualitySettings() if quality is None else quality
        self._all = monitored_conditions(laser, surroundings, quality, injecting, further)
        self.further: frozenset[str] = frozenset(condition.name for condition in further)
        """Names of the conditions of the configuration, which every exposure needs."""
        self.further_signals = tuple(condition.signal for condition in further)
        """Their PVs."""
        self._on_failure = on_failure
        self._latest: dict[str, float] = {}
        self._followed: set[str] = set()
        self._suspected: set[str] = set()
        self._watch: ConditionWatch | None = None

    def watch(self, needed: Collection[str], power_w: tuple[float, float] = ANY_POWER_W) -> ConditionWatch:
        """Return the watch of the next exposure.

        `needed` names its conditions; `power_w`: lowest and highest reading allowed of the laser's power meter, W.
        """
        definitions = {name: self._all[name] for name in self._known(needed)}
        if C.LASER_POWER in definitions:
            low_w, high_w = power_w
            power = definitions[C.LASER_POWER]
            definitions[C.LASER_POWER] = replace(power, low=low_w, high=high_w, resume=low_w)
        return ConditionWatch(self, definitions, self._on_failure)

    def hand_over(self, watch: ConditionWatch) -> None:
        """Let `watch`, whose exposure begins, learn from now on what the monitors show."""
        self._watch = watch

    def failing(self, needed: Collection[str]) -> list[Condition]:
        """Return the `needed` conditions worth waiting for that fail by their monitors and also when requested.

        The request avoids false alarms, as a monitor may be late: a shutter that has just opened is not closed. Raises
        NotConnectedError if a PV does not answer.
        """
        there = self.connected(self._all[name] for name in self._known(needed))
        suspects = [item for item in there if item.waits and self._may_fail(item)]
        values = self.request(suspects)
        self._suspected.difference_update(values)
        return [condition for condition in suspects if not condition.holds(values[condition.name])]

    def _may_fail(self, condition: Condition) -> bool:
        return condition.name in self._suspected or not condition.holds(self.latest(condition))

    def suspect(self, names: Iterable[str]) -> None:
        """Let `failing` request these conditions, which failed during an exposure, whatever the monitors show.

        The values of a read-out replace those of the monitors, and may be some milliseconds older.
        """
        self._suspected.update(names)

    def not_ready(self, needed: Collection[str], without: Collection[str] = ()) -> list[tuple[Condition, float]]:
        """Return the `needed` conditions worth waiting for, except `without`, that do not permit a scan to resume.

        Each comes with its value, in its unit, requested from the server. Raises NotConnectedError if a PV does not
        answer.
        """
        names = [name for name in self._known(needed) if name not in without]
        there = [item for item in self.connected(self._all[name] for name in names) if item.waits]
        values = self.request(there)
        found = [(condition, values[condition.name]) for condition in there]
        return [(condition, value) for condition, value in found if not condition.holds(value, to_resume=True)]

    def _known(self, needed: Collection[str]) -> list[str]:
        """Return the names of the conditions that must hold: those `needed`, and those of the configuration."""
        names = dict.fromkeys((*needed, *self.further))
        return [name for name in names if name in self._all]

    def remarks(self) -> dict[str, str]:
        """Return a phrase for every condition that a scan would wait for now, by PV.

        PVs that are not connected are skipped. Raises NotConnectedError if a connected one does not answer.
        """
        there = [condition for condition in self._all.values() if condition.waits and condition.signal.connected]
        values = self.request(there)
        failing = [item for item in there if not item.holds(values[item.name])]
        return {item.signal.pvname: item.remark(values[item.name]) for item in failing}

    def latest(self, condition: Condition) -> float:
        """Return the latest value of a condition from its monitor, in its unit, NaN in INVALID alarm.

        The first call requests the value and starts to follow the PV. Raises NotConnectedError if it does not answer.
        """
        # Subscribed at the first use, not at construction: the PV of a condition that nobody needs may not exist.
        if condition.name not in self._followed:
            self.request([condition])
            follow(condition.signal, lambda value: self._changed(condition.name, value))
            self._followed.add(condition.name)
        return self._latest[condition.name]

    def request(self, conditions: Iterable[Condition]) -> dict[str, float]:
        """Return values requested from the server, NaN in INVALID alarm; raises NotConnectedError if unanswered."""
        readings = read_with_alarms({condition.name: condition.signal for condition in conditions})
        return self.learn(readings)

    def learn(self, readings: Mapping[str, PvReading]) -> dict[str, float]:
        """Replace the values of the monitors by `readings`, by name; return their values, NaN in INVALID alarm."""
        values = {name: reading.number() for name, reading in readings.items()}
        self._latest |= values
        return values

    @staticmethod
    def connected(conditions: Iterable[Condition]) -> list[Condition]:
        """Return `conditions` without the optional ones whose PVs are not connected."""
        return [condition for condition in conditions if not condition.optional or condition.signal.connected]

    def _changed(self, name: str, value: float) -> None:
        self._latest[name] = value
        if self._watch is not None:
            self._watch.changed(name, value)


class ConditionWatch:
    """Collector of the conditions that fail during one exposure; made by `Conditions.watch`."""

    def __init__(self, conditions: Conditions, needed: Mapping[str, Condition], on_failure: Callable[[], None]) -> None:
        self._conditions = conditions
        self._needed = dict(needed)
        self._on_failure = on_failure
        self._failed: dict[str, float] = {}
        self._exposing = False
        self._lock = threading.Lock()

    @property
    def definitions(self) -> dict[str, Condition]:
        """Needed conditions by name, with their limits; optional ones only if their PVs are connected."""
        return {condition.name: condition for condition in self._connected()}

    @property
    def has_failed(self) -> bool:
        """Whether a condition has failed since `begin`."""
        with self._lock:
            return bool(self._failed)

    def is_met(self) -> bool:
        """Return whether every needed condition holds now, according to the monitors.

        Raises NotConnectedError if a PV that is followed for the first time does not answer.
        """
        return not self._failing()

    def refresh(self) -> None:
        """Request all needed conditions, as monitors may have gone silent; raises NotConnectedError if unanswered."""
        self._conditions.request(self._connected())

    def begin(self) -> None:
        """Start the exposure, and note the conditions that fail already; raises the same errors as `is_met`."""
        # A monitor may show a failure at any moment in here, which then belongs to this exposure.
        with self._lock:
            self._failed = {}
            self._exposing = True
        self._conditions.hand_over(self)
        try:
            failing = self._failing()
        except NotConnectedError:
            self.close()
            raise
        with self._lock:
            self._failed = failing | self._failed

    def close(self) -> None:
        """End the watch over an exposure that nobody reads."""
        with self._lock:
            self._exposing = False

    def end(self, fresh: Mapping[str, PvReading]) -> dict[str, float]:
        """End the exposure; return the conditions that failed since `begin` or fail in `fresh`, with their values.

        Each value is the one that failed first, in the unit of the condition, NaN in INVALID alarm.
        """
        values = self._conditions.learn(fresh)
        with self._lock:
            self._exposing = False
            for name, value in values.items():
                if name in self._needed and not self._needed[name].holds(value):
                    self._failed.setdefault(name, value)
            failed = dict(self._failed)
        self._conditions.suspect(failed)
        return failed

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the PVs of the needed conditions, by name, for reading them together with others."""
        return {condition.name: condition.signal for condition in self._connected()}

    def remark(self, name: str, value: float) -> str:
        """Return a phrase on a failed condition: its value and its limits, with their unit."""
        return self._needed[name].remark(value)

    def changed(self, name: str, value: float) -> None:
        """Note a new value of a monitor, NaN in INVALID alarm; called from a thread of Channel Access."""
        if name not in self._needed or self._needed[name].holds(value):
            return
        with self._lock:
            is_new = self._exposing and name not in self._failed
            if is_new:
                self._failed[name] = value
        if is_new:
            self._on_failure()

    def _connected(self) -> list[Condition]:
        return self._conditions.connected(self._needed.values())

    def _failing(self) -> dict[str, float]:
        values = {item.name: self._conditions.latest(item) for item in self._connected()}
        return {name: value for name, value in values.items() if not self._needed[name].holds(value)}
