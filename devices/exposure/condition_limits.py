"""Each condition of an exposure: its name, its PV, and the limits within which it holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from devices.configuration import ConditionSettings, QualitySettings
from devices.laser import Laser
from devices.signals.uncached_signal import FreshSignalRO
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
