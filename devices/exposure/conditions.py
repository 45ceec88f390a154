"""Conditions that must hold during the whole of an exposure, not only at its end."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from devices.configuration import QualitySettings
from devices.laser import Laser
from devices.signals.uncached_signal import FreshSignalRO, read_together
from devices.surroundings import Surroundings

POWER = "laser_power"

PUMP = frozenset({"jet_flow", "jet_temperature", "laser_lock", "laser_rate_divider", POWER})
"""What pumping the jet needs."""

BEAM = frozenset({"ring_current", "xray_shutter", "top_up"})
"""What an exposure of anything needs."""

IMAGE = BEAM - {"top_up"}
"""What an exposure needs that is longer than the time between two fillings of the ring."""

CONDITIONS = BEAM | PUMP | {"gates_saturated", "gates_lost", "boxcar_unsteady"}
"""What a pump-probe exposure needs."""

LASER_ONLY = frozenset({"laser_lock", "laser_rate_divider", POWER})
"""Conditions that do not matter while the laser is blocked."""


@dataclass(frozen=True)
class Condition:
    """A monitored PV that must stay within `low` to `high`; after a failure it must reach `resume` for `settle_s`.

    `closes` says whether the shutters close while it fails, `waits` whether a scan waits for it at all: else a point is
    measured again, a few times. Without an `optional` PV the condition is not looked at.
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

    def holds(self, value: float, *, again: bool = False) -> bool:
        """Whether `value` will do: to go on, or with `again` to begin again after a failure."""
        return (self.resume if again else self.low) <= value <= self.high

    def says(self, value: float, *, again: bool = False) -> str:
        """`value` and what it should be, for a person."""
        low = self.resume if again else self.low
        wanted = f"{low:g}" if low == self.high else f"{low:g} to {self.high:g}"
        if math.isinf(self.high):
            wanted = f"at least {low:g}"
        return f"{self.name} = {value:g} {self.unit}".rstrip() + f", needs {wanted} {self.unit}".rstrip()


def monitored_conditions(
    laser: Laser, around: Surroundings, quality: QualitySettings, injecting: FreshSignalRO | None = None
) -> dict[str, Condition]:
    """Every condition that a monitor tells, by name; `injecting` is 1 while the ring is being filled."""
    lows, infinite = around.settings, math.inf
    divider = float(laser.required_divider)
    shutter = Condition("xray_shutter", around.xray_shutter, 1, 1, 1, quality.shutter_settle_s)
    conditions = [
        Condition(
            "ring_current", around.ring_current, lows.ring_current_low_ma, infinite,
            max(quality.ring_current_resume_ma, lows.ring_current_low_ma), quality.ring_settle_s, "mA",
        ),
        shutter,
        Condition(
            "jet_flow", around.jet_flow, lows.jet_flow_low_ml_min, infinite,
            max(quality.jet_flow_resume_ml_min, lows.jet_flow_low_ml_min), quality.jet_settle_s, "ml/min",
        ),
        Condition(
            "jet_temperature", around.jet_temperature, quality.jet_temperature_low_c, quality.jet_temperature_high_c,
            quality.jet_temperature_low_c, quality.jet_settle_s, "C",
        ),
        Condition("laser_lock", laser.lock, 1, 1, 1, quality.laser_settle_s),
        Condition("laser_rate_divider", laser.rate_divider, divider, divider, divider, quality.laser_settle_s),
        Condition(POWER, laser.power, -infinite, infinite, -infinite, 0.0, "W", waits=False),
    ]  # fmt: skip
    if injecting is not None:
        conditions.append(Condition("top_up", injecting, 0, 0, 0, 0.0, closes=False, optional=True))
    return {condition.name: condition for condition in conditions}


class Conditions:
    """Remembers every condition of `needed` that failed since `begin`, by the monitors of laser, ring, shutter and jet.

    What is not needed is not looked at: it need not even be there. `on_failure` is called when one fails during an
    exposure.
    """

    def __init__(
        self,
        laser: Laser,
        surroundings: Surroundings,
        quality: QualitySettings | None = None,
        injecting: FreshSignalRO | None = None,
    ) -> None:
        quality = QualitySettings() if quality is None else quality
        self._all = monitored_conditions(laser, surroundings, quality, injecting)
        self.needed: frozenset[str] = CONDITIONS
        self.on_failure: Callable[[], None] = lambda: None
        self._latest: dict[str, float] = {}
        self._followed: set[str] = set()
        self._failed: dict[str, float] = {}
        self._ignored: frozenset[str] = frozenset()
        self._exposing = False
        self._lock = threading.Lock()

    def expect_power(self, low_w: float = -math.inf, high_w: float = math.inf) -> None:
        """From now on the power meter has to show `low_w` to `high_w`, W; by default anything will do."""
        self._all[POWER] = replace(self._all[POWER], low=low_w, high=high_w, resume=low_w)

    def begin(self, ignored: frozenset[str] = frozenset()) -> None:
        """Start a new exposure, to which `ignored` do not matter: forget what failed before, note what fails now."""
        # Subscribed here and not when built: a signal that never connects has no monitor to wait for.
        failing = {item.name: self._latest[item.name] for item in self._failing(ignored)}
        with self._lock:
            self._failed, self._ignored, self._exposing = failing, ignored, True

    def end(self, fresh: Mapping[str, float] | None = None) -> dict[str, float]:
        """Conditions that failed at any time since `begin`, or fail by the `fresh` values, with the value they had."""
        with self._lock:
            self._exposing = False
            for name, value in (fresh or {}).items():
                self._latest[name] = float(value)  # its monitor may have gone silent
                if name not in self._ignored and not self._all[name].holds(float(value)):
                    self._failed.setdefault(name, float(value))
            return dict(self._failed)

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """The PVs of the needed conditions, by name, for reading them together with others."""
        return {condition.name: condition.signal for condition in self._there()}

    def is_met(self, ignored: Collection[str] = ()) -> bool:
        """Whether every needed condition, less those `ignored`, holds now by the monitors."""
        return not self._failing(ignored)

    def ask_anew(self) -> None:
        """Replace what the monitors said by what the PVs say; raises NotConnectedError without answer."""
        self._ask(self._there())

    def failing(self) -> list[Condition]:
        """Needed conditions to wait for that do not hold now: their monitors say so, and the PVs when asked.

        A monitor may be late: the shutter that has just opened is not closed. Raises NotConnectedError without answer.
        """
        suspects = [condition for condition in self._failing() if condition.waits]
        values = self._ask(suspects)
        return [condition for condition in suspects if not condition.holds(values[condition.name])]

    def unwell(self, without: Collection[str] = ()) -> list[tuple[Condition, float]]:
        """Needed conditions to wait for, less those `without`, that are not good enough to begin again, with their
        values now. Raises NotConnectedError if one does not answer.
        """
        there = [item for item in self._there() if item.waits and item.name not in without]
        values = self._ask(there)
        found = [(condition, values[condition.name]) for condition in there]
        return [(condition, value) for condition, value in found if not condition.holds(value, again=True)]

    def says(self, name: str, value: float) -> str:
        """A failed condition, its value and its limit."""
        return self._all[name].says(value)

    def remarks(self) -> dict[str, str]:
        """By PV, of all conditions to wait for whose PVs are there, needed or not: what does not hold now.

        Raises NotConnectedError if one does not answer.
        """
        there = [condition for condition in self._all.values() if condition.waits and condition.signal.connected]
        values = self._ask(there)
        return {item.signal.pvname: item.says(values[item.name]) for item in there if not item.holds(values[item.name])}

    def _ask(self, conditions: Iterable[Condition]) -> dict[str, float]:
        raw = read_together({condition.name: condition.signal for condition in conditions})
        values = {name: float(value) for name, value in raw.items()}
        self._latest |= values
        return values

    def _there(self) -> list[Condition]:
        return [
            condition for name, condition in self._all.items()
            if name in self.needed and (not condition.optional or condition.signal.connected)
        ]  # fmt: skip

    def _failing(self, ignored: Collection[str] = ()) -> list[Condition]:
        """Needed conditions, less those `ignored`, that do not hold by their monitors."""
        there = self._there()
        for condition in there:
            if condition.name not in self._followed:
                self._latest[condition.name] = float(condition.signal.get())
                self._subscribe(condition.name, condition.signal)
                self._followed.add(condition.name)
        return [item for item in there if item.name not in ignored and not item.holds(self._latest[item.name])]

    def _subscribe(self, name: str, signal: FreshSignalRO) -> None:
        def changed(value: Any = None, **_: Any) -> None:
            if value is None:
                return
            self._latest[name] = float(value)
            if name not in self.needed or name in self._ignored or self._all[name].holds(float(value)):
                return
            with self._lock:
                exposing, known = self._exposing, name in self._failed
                if exposing:
                    self._failed.setdefault(name, float(value))
            if exposing and not known:
                self.on_failure()

        signal.subscribe(changed, run=False)
