"""One exposure as an event: what all readers of exposures have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from devices.axes.axis import Axis
from devices.configuration import QualitySettings
from devices.exposure.axis_watch import AxisWatch
from devices.exposure.conditions import CONDITIONS, LASER_ONLY, Conditions
from devices.exposure.flux import FluxHistory
from devices.exposure.gated_detectors import Exposure, ExposureReading
from devices.shutter import CLOSED
from devices.signals.uncached_signal import FreshSignalRO, read_together

SHUTTER_MOVED = -1

CONDITION = "condition:"
"""What the keys of conditions among the raw values begin with."""

SHORTEST = 0.999
"""Share of the dwell that an exposure must have counted; less is one that somebody cut short."""


class EventReader(ABC):
    """Reads one exposure as an event. A bluesky Readable.

    The plan calls `watch` before the first exposure of a run and `expect` before each; before it reads it sets
    `scan_index` and `point_index`. `remarks` says of every condition that failed in the latest event what was found and
    what is needed.
    """

    parent = None

    def __init__(
        self, name: str, axes: Mapping[str, Axis], exposure: Exposure, conditions: Conditions, quality: QualitySettings
    ) -> None:
        self.name = name
        self.scan_index = 0
        self.point_index = 0
        self.expected_shutter: int | None = None
        self.demanded: Mapping[str, float] = {}
        self.remarks: dict[str, str] = {}
        self._axes, self._exposure, self._conditions = dict(axes), exposure, conditions
        self._axis_watch = AxisWatch(axes)
        self._flux = FluxHistory(quality.i0_tolerance)
        self.watch(CONDITIONS)

    @property
    def conditions(self) -> Conditions:
        """What watches ring, shutter, jet and laser; all readers of the same exposures share it."""
        return self._conditions

    def watch(self, needed: frozenset[str]) -> None:
        """From the next exposure on, a new run, `needed` conditions must hold for a point to be good."""
        self._needed = needed
        self._flux.forget()
        self._conditions.needed = needed
        self._conditions.on_failure = self._axis_watch.on_failure = self._exposure.cut_short
        self._exposure.on_trigger = self._begin
        self.expect({}, None)

    def expect(self, positions: Mapping[str, float], laser_shutter: int | None) -> None:
        """From now on axes must have these `positions`, by event field, and the laser shutter this state, if any.

        Raises NotConnectedError if an axis that is watched for the first time does not answer.
        """
        self.demanded, self.expected_shutter = dict(positions), laser_shutter
        self._axis_watch.expect(self.demanded)
        self._conditions.expect_power()

    def has_arrived(self) -> bool:
        """Whether the monitors say that all is as expected: after a move they may be late."""
        return not self._axis_watch.astray() and self._conditions.is_met(self._ignored)

    def ask_anew(self) -> None:
        """Ask conditions and axes, as their monitors may have gone silent; raises NotConnectedError without answer."""
        self._conditions.ask_anew()
        self._axis_watch.take(read_together(self._axis_signals()))

    @property
    def _ignored(self) -> frozenset[str]:
        return LASER_ONLY if self.expected_shutter == CLOSED else frozenset()

    def _begin(self) -> None:
        self._conditions.begin(self._ignored)
        self._axis_watch.begin()

    @abstractmethod
    def read(self) -> dict[str, dict[str, Any]]:
        """The event's data; raises AcquisitionError if the exposure is not the one triggered last."""

    @abstractmethod
    def describe(self) -> dict[str, dict[str, Any]]:
        """Data keys with their shapes, units and the PVs behind them."""

    def _all_signals(self) -> dict[str, FreshSignalRO]:
        return {**self._exposure.fresh_signals(), **self._axis_signals()}

    def _axis_signals(self) -> dict[str, FreshSignalRO]:
        return {
            f"{axis.name}.{key}": signal for axis in self._axes.values() for key, signal in axis.fresh_signals().items()
        }

    def _indices(self) -> dict[str, Any]:
        return {"scan_index": self.scan_index, "point_index": self.point_index}

    def _positions(self, raw: dict[str, Any]) -> dict[str, float]:
        positions = {}
        for key, axis in self._axes.items():
            own = {name: raw[f"{axis.name}.{name}"] for name in axis.raw_readbacks}
            positions[key] = axis.value_from_raw(own)
        return positions

    def _slow_signals(self) -> dict[str, FreshSignalRO]:
        """PVs of the conditions, asked in the same round trip: a monitor may have gone silent."""
        return {CONDITION + name: signal for name, signal in self._conditions.fresh_signals().items()}

    def _quality(self, raw: Mapping[str, Any], reading: ExposureReading) -> list[str]:
        """Names of the conditions that failed, and `remarks` on them."""
        fresh = {key.removeprefix(CONDITION): float(raw[key]) for key in raw if key.startswith(CONDITION)}
        monitored = self._conditions.end(fresh)
        failed = {name: self._conditions.says(name, value) for name, value in sorted(monitored.items())}
        failed |= self._shutter_remarks(reading) | self._counting_remarks(reading) | self._astray(raw)
        failed |= self._flux_remarks(reading, others_failed=bool(failed))
        self.remarks = failed
        return list(failed)

    def _shutter_remarks(self, reading: ExposureReading) -> dict[str, str]:
        shutter = reading.spc.laser_shutter
        if shutter != SHUTTER_MOVED and self.expected_shutter in (None, shutter):
            return {}
        states = {SHUTTER_MOVED: "moving", 0: "closed", 1: "open"}
        wanted = states.get(-1 if self.expected_shutter is None else self.expected_shutter, "still")
        return {"laser_shutter": f"laser_shutter was {states.get(shutter, shutter)}, needs to be {wanted}"}

    def _counting_remarks(self, reading: ExposureReading) -> dict[str, str]:
        """What the exposure itself lacks: here its length; a reader knows more of its own detectors."""
        counted_s, dwell_s = reading.spc.exposure_s, self._exposure.dwell_s
        if counted_s < SHORTEST * dwell_s:
            return {"exposure_s": f"exposure_s = {counted_s:g} s, needs {dwell_s:g} s"}
        return {}

    def _flux_remarks(self, reading: ExposureReading, *, others_failed: bool) -> dict[str, str]:
        seconds = reading.spc.exposure_s
        per_s = reading.i0 / seconds if seconds > 0 else 0.0
        normal = self._flux.is_normal(per_s)
        if not others_failed and (normal or self._flux.confirms_change(per_s)):
            self._flux.remember(per_s)
            return {}
        return {} if normal else {"i0": f"i0 = {per_s:.4g} counts/s, needs about {self._flux.normal:.4g} counts/s"}

    def _astray(self, raw: Mapping[str, Any]) -> dict[str, str]:
        """Axes that were not where the plan put them: moved by somebody else, or jumped."""
        remarks = {}
        for key, position in self._axis_watch.end(raw).items():
            axis = self._axes[key]
            needs = f"needs {self.demanded[key]:.8g} +- {axis.tolerance:g}"
            remarks[axis.name] = f"{axis.name} = {position:.8g} {axis.unit}, {needs}"
        return remarks

    def read_configuration(self) -> dict[str, dict[str, Any]]:
        """Nothing: the start document carries every setting."""
        return {}

    def describe_configuration(self) -> dict[str, dict[str, Any]]:
        """Nothing: the start document carries every setting."""
        return {}

    @property
    def hints(self) -> dict[str, list[str]]:
        """Fields of the live table."""
        return {"fields": ["i0"]}


def data_key(dtype: str, *, source: str, shape: list[int] | None = None, **extra: str) -> dict[str, Any]:
    """Data key of a field that comes from the PV `source`, or from "trxas" itself."""
    return {"source": source if source == "trxas" else f"PV:{source}", "dtype": dtype, "shape": shape or [], **extra}
