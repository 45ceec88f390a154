"""Conditions that must hold during the whole of an exposure, not only at its end.

`Conditions` knows the PVs, follows their monitors and holds their latest values; it outlives all runs. A
`ConditionWatch` belongs to one exposure: it knows which conditions that exposure needs, and collects those that fail
from `begin` to `end`. There is one master scaler, so one watch at a time: a new one replaces the previous one. A PV in
INVALID alarm counts as NaN, which is within no limits. Monitors report from threads of Channel Access, hence the lock.
As a monitor may go silent without notice, `end` also takes values that were requested from the server.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from devices.configuration import ConditionSettings, QualitySettings
from devices.laser import Laser
from devices.signals.uncached_signal import FreshSignalRO, PvReading, follow, read_with_alarms
from devices.surroundings import Surroundings


class ConditionName(StrEnum):
    """Names of the conditions that can make a point bad, as the `quality` field of its event lists them."""

    RING_CURRENT = "ring_current"
    XRAY_SHUTTER = "xray_shutter"
    XRAYS_OFF = "xrays_off"
    TOP_UP = "top_up"
    JET_FLOW = "jet_flow"
    JET_TEMPERATURE = "jet_temperature"
    LASER_LOCK = "laser_lock"
    LASER_RATE_DIVIDER = "laser_rate_divider"
    LASER_POWER = "laser_power"
    GATES_SATURATED = "gates_saturated"
    GATES_LOST = "gates_lost"
    BOXCAR_UNSTEADY = "boxcar_unsteady"


C = ConditionName

LASER_ONLY = frozenset[str]({C.LASER_LOCK, C.LASER_RATE_DIVIDER, C.LASER_POWER})
"""Conditions that do not matter while the laser is blocked."""

PUMP = LASER_ONLY | {C.JET_FLOW, C.JET_TEMPERATURE}
"""Conditions for pumping the jet."""

BEAM = frozenset[str]({C.RING_CURRENT, C.XRAY_SHUTTER, C.TOP_UP})
"""Conditions for every exposure."""

IMAGE = BEAM - {C.TOP_UP}
"""Conditions for an exposure that is longer than the time between two fillings of the ring."""

CONDITIONS = BEAM | PUMP | {C.GATES_SATURATED, C.GATES_LOST, C.BOXCAR_UNSTEADY}
"""Conditions for a pump-probe exposure."""

DARK = PUMP | {C.XRAYS_OFF, C.GATES_LOST}
"""Conditions for an exposure without X-rays, with the laser on the jet."""

ANY_POWER_W = (-math.inf, math.inf)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A PV whose value must stay within `low` to `high`; after a failure it must reach `resume` for `settle_s`.

    `closes`: the shutters close while it fails. `waits`: suspend the scan until it holds; otherwise only repeat the
    point. `optional`: ignored while its PV is not connected.
    """

    name: str
    signal: FreshSignalRO
    low: float
    high: float
    resume: float
    settle_s: float
    unit: str = ""
    closes: bool = True
    waits: bool = True
    optional: bool = False

    def holds(self, value: float, *, to_resume: bool = False) -> bool:
        """Return whether `value`, in `unit`, is good enough to continue, or with `to_resume` to resume after a failure.

        NaN, which stands for a record in INVALID alarm, is never good enough, unless there are no limits at all.
        """
        # Two thresholds make a hysteresis: a scan that was suspended at 10 mA must not resume at 11 mA, to be suspended
        # again at the next flicker of the current.
        if (self.low, self.high) == (-math.inf, math.inf):
            return True
        return (self.resume if to_resume else self.low) <= value <= self.high

    def remark(self, value: float, *, to_resume: bool = False) -> str:
        """Return a phrase with `value` and the allowed range, in their unit; NaN stands for a PV in INVALID alarm."""
        low = self.resume if to_resume else self.low
        wanted = f"{low:g}" if low == self.high else f"{low:g} to {self.high:g}"
        if math.isinf(self.high):
            wanted = f"at least {low:g}"
        shown = f"{self.name} = {value:g} {self.unit}".rstrip()
        if math.isnan(value):
            shown = f"{self.name} is not known ({self.signal.pvname} is in INVALID alarm)"
        return shown + f", needs {wanted} {self.unit}".rstrip()


def further_conditions(configured: Mapping[str, ConditionSettings], prefix: str) -> tuple[Condition, ...]:
    """Return the conditions of all tables `[conditions.NAME]`, each with a PV of its own, not connected yet.

    Limits are in the units of the PVs.
    """
    return tuple(
        Condition(
            name=name,
            signal=FreshSignalRO(prefix + one.pv, name=f"condition_{name}", auto_monitor=True),
            low=one.limits[0],
            high=one.limits[1],
            resume=one.limits[0],
            settle_s=one.settle_s,
            unit=one.unit,
            closes=one.closes,
        )
        for name, one in configured.items()
    )


def monitored_conditions(
    laser: Laser,
    around: Surroundings,
    quality: QualitySettings,
    injecting: FreshSignalRO | None = None,
    further: Iterable[Condition] = (),
) -> dict[str, Condition]:
    """Return every condition with a monitored PV, by name, with limits in the unit of its PV.

    `injecting` is 1 while the ring is being filled; without it there is no condition on the filling. `further` are
    those of the configuration.
    """
    divider = float(laser.required_divider)
    conditions = [
        *further,
        *_beam_conditions(around, quality),
        *_jet_conditions(around, quality),
        Condition(
            name=C.LASER_LOCK, signal=laser.lock, low=1, high=1, resume=1, settle_s=quality.laser_settle_s
        ),
        Condition(
            name=C.LASER_RATE_DIVIDER, signal=laser.rate_divider, low=divider, high=divider, resume=divider,
            settle_s=quality.laser_settle_s,
        ),
        Condition(
            name=C.LASER_POWER, signal=laser.power, low=-math.inf, high=math.inf, resume=-math.inf, settle_s=0.0,
            unit="W", waits=False,
        ),
    ]  # fmt: skip
    if injecting is not None:
        conditions.append(
            Condition(
                name=C.TOP_UP, signal=injecting, low=0, high=0, resume=0, settle_s=0.0, closes=False, optional=True
            )
        )
    # What the beamline does not serve cannot be watched.
    return {condition.name: condition for condition in conditions if condition.signal is not None}


def _beam_conditions(around: Surroundings, quality: QualitySettings) -> list[Condition]:
    low = around.settings.ring_current_low_ma
    return [
        Condition(
            name=C.RING_CURRENT, signal=around.ring_current, low=low, high=math.inf,
            resume=max(quality.ring_current_resume_ma, low), settle_s=quality.ring_settle_s, unit="mA",
        ),
        Condition(
            name=C.XRAY_SHUTTER, signal=around.xray_shutter, low=1, high=1, resume=1,
            settle_s=quality.shutter_settle_s,
        ),
        Condition(
            name=C.XRAYS_OFF, signal=around.xray_shutter, low=0, high=0, resume=0, settle_s=0.0, waits=False
        ),
    ]  # fmt: skip


def _jet_conditions(around: Surroundings, quality: QualitySettings) -> list[Condition]:
    low = around.settings.jet_flow_low_ml_min
    return [
        Condition(
            name=C.JET_FLOW, signal=around.jet_flow, low=low, high=math.inf,
            resume=max(quality.jet_flow_resume_ml_min, low), settle_s=quality.jet_settle_s, unit="ml/min",
        ),
        Condition(
            name=C.JET_TEMPERATURE, signal=around.jet_temperature, low=quality.jet_temperature_low_c,
            high=quality.jet_temperature_high_c, resume=quality.jet_temperature_low_c, settle_s=quality.jet_settle_s,
            unit="C",
        ),
    ]  # fmt: skip


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
        self._watch: ConditionWatch | None = None

    def watch(self, needed: Collection[str], power_w: tuple[float, float] = ANY_POWER_W) -> ConditionWatch:
        """Return the watch of the next exposure, which replaces the previous one.

        `needed` names its conditions; `power_w`: lowest and highest reading allowed of the laser's power meter, W.
        """
        definitions = {name: self._all[name] for name in self._known(needed)}
        if C.LASER_POWER in definitions:
            low_w, high_w = power_w
            power = definitions[C.LASER_POWER]
            definitions[C.LASER_POWER] = replace(power, low=low_w, high=high_w, resume=low_w)
        self._watch = ConditionWatch(self, definitions, self._on_failure)
        return self._watch

    def failing(self, needed: Collection[str]) -> list[Condition]:
        """Return the `needed` conditions worth waiting for that fail by their monitors and also when requested.

        The request avoids false alarms, as a monitor may be late: a shutter that has just opened is not closed. Raises
        NotConnectedError if a PV does not answer.
        """
        there = self.connected(self._all[name] for name in self._known(needed))
        suspects = [item for item in there if item.waits and not item.holds(self.latest(item))]
        values = self.request(suspects)
        return [condition for condition in suspects if not condition.holds(values[condition.name])]

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
        failing = self._failing()
        with self._lock:
            self._failed = failing
            self._exposing = True

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
            return dict(self._failed)

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
