"""Conditions that must hold during the whole of an exposure, not only at its end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from devices.fresh import FreshSignalRO, read_together
from devices.laser import Laser
from devices.quality_settings import QualitySettings
from devices.surroundings import Surroundings

POWER = "laser_power"

PUMP = frozenset({"jet_flow", "jet_temperature", "laser_lock", "laser_rate_divider", POWER})
"""What pumping the jet needs."""

BEAM = frozenset({"ring_current", "xray_shutter", "top_up"})
"""What an exposure of anything needs."""

IMAGE = BEAM - {"top_up"}
"""What an exposure needs that is longer than the time between two fillings of the ring."""

CONDITIONS = BEAM | PUMP | {"gates_saturated", "gates_lost"}
"""What a pump-probe exposure needs."""

LASER_ONLY = frozenset({"laser_lock", "laser_rate_divider", POWER})
"""Conditions that do not matter while the laser is blocked."""

POWER_ARRIVES_S = 0.05
"""How late a reading of the laser power, made before the attenuator arrived, may still come in."""

POWER_PERIOD_S = 0.3
"""How old the power meter's reading may be when it is asked for."""


@dataclass(frozen=True)
class Condition:
    """A monitored PV that must stay within `low` to `high`; after a failure it must reach `resume` for `settle_s`.

    `closes` says whether the shutters close while it fails. Without an `optional` PV the condition is not looked at.
    """

    name: str
    signal: FreshSignalRO
    low: float
    high: float
    resume: float
    settle_s: float
    unit: str = ""
    closes: bool = True
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
        self._power = laser.power
        self.needed: frozenset[str] = CONDITIONS
        self.on_failure: Callable[[], None] = lambda: None
        self._latest: dict[str, float] = {}
        self._failed: dict[str, float] = {}
        self._exposing = False
        self._fluence: float | None = None
        self._powers: list[float] = []
        self._powers_from_s = 0.0
        self._lock = threading.Lock()

    def begin(self, fluence_mj_cm2: float | None = None) -> None:
        """Start a new exposure: forget what failed before, and note what fails now."""
        # Subscribed here and not when built: a signal that never connects has no monitor to wait for.
        watched = self._watched()
        if fluence_mj_cm2 != self._fluence:
            self._fluence, self._powers_from_s = fluence_mj_cm2, time.monotonic() + POWER_ARRIVES_S
            self._powers.clear()
        del self._powers[:-1]
        with self._lock:
            self._failed = {
                item.name: self._latest[item.name] for item in watched if not item.holds(self._latest[item.name])
            }
            self._exposing = True

    def forget_power(self) -> None:
        """The attenuator moves, or may have been moved: earlier readings of the power say nothing any more."""
        self._fluence = None

    def end(self, fresh: Mapping[str, float] | None = None) -> dict[str, float]:
        """Conditions that failed at any time since `begin`, or fail by the `fresh` values, with the value they had."""
        with self._lock:
            self._exposing = False
            for name, value in (fresh or {}).items():
                if name == POWER:
                    self._take_fresh_power(float(value))
                elif not self._all[name].holds(float(value)):
                    self._failed.setdefault(name, float(value))
            return dict(self._failed)

    def powers_w(self) -> list[float]:
        """Readings of the laser power that belong to the latest exposure, W; maybe none."""
        return list(self._powers)

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """The PVs of the needed conditions, by name, for reading them together with others."""
        signals = {condition.name: condition.signal for condition in self._there()}
        return signals | ({POWER: self._power} if POWER in self.needed else {})

    def failing(self) -> list[Condition]:
        """Needed conditions that do not hold now, by the monitors."""
        return [condition for condition in self._watched() if not condition.holds(self._latest[condition.name])]

    def unwell(self, without: Collection[str] = ()) -> list[tuple[Condition, float]]:
        """Needed conditions, less those `without`, that are not good enough to begin again, with their values now.

        Raises NotConnectedError if one does not answer.
        """
        there = [condition for condition in self._there() if condition.name not in without]
        values = read_together({condition.name: condition.signal for condition in there})
        found = [(condition, float(values[condition.name])) for condition in there]
        return [(condition, value) for condition, value in found if not condition.holds(value, again=True)]

    def says(self, name: str, value: float) -> str:
        """A failed condition, its value and its limit."""
        return self._all[name].says(value)

    def _there(self) -> list[Condition]:
        return [
            condition for name, condition in self._all.items()
            if name in self.needed and (condition.signal.connected or not condition.optional)
        ]  # fmt: skip

    def _watched(self) -> list[Condition]:
        """Needed conditions, each with its monitor."""
        there = self._there()
        for condition in there:
            if condition.name not in self._latest:
                self._latest[condition.name] = float(condition.signal.get())
                self._subscribe(condition)
        if POWER in self.needed and POWER not in self._latest:
            self._latest[POWER] = 0.0
            self._power.subscribe(self._take_power, run=False)
        return there

    def _subscribe(self, condition: Condition) -> None:
        def changed(value: Any = None, **_: Any) -> None:
            if value is None:
                return
            self._latest[condition.name] = float(value)
            if condition.name not in self.needed or condition.holds(float(value)):
                return
            with self._lock:
                exposing, known = self._exposing, condition.name in self._failed
                if exposing:
                    self._failed.setdefault(condition.name, float(value))
            if exposing and not known:
                self.on_failure()

        condition.signal.subscribe(changed, run=False)

    def _take_fresh_power(self, power_w: float) -> None:
        if time.monotonic() >= self._powers_from_s + POWER_PERIOD_S:
            self._powers.append(power_w)

    def _take_power(self, value: Any = None, **_: Any) -> None:
        if value is not None and time.monotonic() >= self._powers_from_s:
            self._powers.append(float(value))
