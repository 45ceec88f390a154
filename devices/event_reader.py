"""One exposure as an event: what all readers of exposures have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from devices.axis import Axis
from devices.conditions import CONDITIONS, Conditions
from devices.exposure import Exposure, ExposureReading
from devices.fresh import FreshSignalRO

SHUTTER_MOVED = -1


class EventReader(ABC):
    """Reads one exposure as an event. A bluesky Readable.

    The plan sets `scan_index`, `point_index`, `expected_shutter` (of the laser) and `demanded`, the positions the axes
    must have by event field, before it reads, and calls `watch` before the first exposure of a run.
    """

    parent = None

    def __init__(self, name: str, axes: Mapping[str, Axis], exposure: Exposure, conditions: Conditions) -> None:
        self.name = name
        self.scan_index = 0
        self.point_index = 0
        self.expected_shutter: int | None = None
        self.demanded: Mapping[str, float] = {}
        self._axes, self._exposure, self._conditions = dict(axes), exposure, conditions
        self.watch(CONDITIONS)

    def watch(self, needed: frozenset[str]) -> None:
        """From the next exposure on, `needed` conditions must hold for a point to be good; the others need not."""
        self._needed = needed
        self._conditions.needed = needed
        self._exposure.on_trigger = self._conditions.begin

    @abstractmethod
    def read(self) -> dict[str, dict[str, Any]]:
        """The event's data; raises AcquisitionError if the exposure is not the one triggered last."""

    @abstractmethod
    def describe(self) -> dict[str, dict[str, Any]]:
        """Data keys with their shapes, units and the PVs behind them."""

    def _all_signals(self) -> dict[str, FreshSignalRO]:
        signals = dict(self._exposure.fresh_signals())
        for axis in self._axes.values():
            signals |= {f"{axis.name}.{key}": signal for key, signal in axis.fresh_signals().items()}
        return signals

    def _indices(self) -> dict[str, Any]:
        return {"scan_index": self.scan_index, "point_index": self.point_index}

    def _positions(self, raw: dict[str, Any]) -> dict[str, float]:
        positions = {}
        for key, axis in self._axes.items():
            own = {name: raw[f"{axis.name}.{name}"] for name in axis.raw_readbacks}
            positions[key] = axis.value_from_raw(own)
        return positions

    def _failed_conditions(self, reading: ExposureReading) -> list[str]:
        conditions, shutter = self._conditions.failed(), reading.spc.laser_shutter
        failed = sorted(conditions - {"laser_lock"})
        if shutter == SHUTTER_MOVED or self.expected_shutter not in (None, shutter):
            failed.append("laser_shutter")
        if shutter != 0 and "laser_lock" in conditions:
            failed.append("laser_lock")
        if reading.i0 <= 0:
            failed.append("i0")
        return failed

    def _astray(self, positions: Mapping[str, float]) -> list[str]:
        """Axes that are not where the plan put them: moved by somebody else, or jumped."""
        return [
            self._axes[key].name
            for key, demanded in self.demanded.items()
            if abs(positions[key] - demanded) > self._axes[key].tolerance
        ]

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
