"""One point as an event: where the axes are, what the detectors counted, and whether it may be averaged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from devices.axis import Axis
from devices.conditions import Conditions
from devices.exposure import Exposure, ExposureReading
from devices.fresh import FreshSignalRO, read_together
from devices.laser import Laser
from devices.surroundings import Surroundings

SHUTTER_MOVED = -1


class PointReader:
    """Reads everything that belongs to one exposure in a single round trip.

    A bluesky Readable. The plan sets `scan_index`, `point_index`, `expected_shutter` and `demanded`, the positions the
    axes must have, before it reads.
    """

    name = "point"
    parent = None

    def __init__(self, axes: dict[str, Axis], exposure: Exposure, laser: Laser, surroundings: Surroundings) -> None:
        self._axes, self._exposure, self._laser, self._surroundings = axes, exposure, laser, surroundings
        self.scan_index = 0
        self.point_index = 0
        self.expected_shutter: int | None = None
        self.demanded: Mapping[str, float] = {}
        self._conditions = Conditions(laser, surroundings)
        exposure.on_trigger = self._conditions.begin
        self._signals = self._all_signals()

    def _all_signals(self) -> dict[str, FreshSignalRO]:
        signals = dict(self._exposure.fresh_signals())
        for axis in self._axes.values():
            signals |= {f"{axis.name}.{key}": signal for key, signal in axis.fresh_signals().items()}
        return signals

    def read(self) -> dict[str, dict[str, Any]]:
        """The event's data; raises AcquisitionError if the exposure is not the one triggered last."""
        raw = read_together(self._signals)
        reading = self._exposure.reading_from_raw(raw)
        now = time.time()
        positions = self._positions(raw)
        values = self._indices() | positions | _counted(reading) | self._slow()
        values["quality"] = ",".join(self._failed_conditions(reading) + self._astray(positions))
        return {name: {"value": value, "timestamp": now} for name, value in values.items()}

    def _indices(self) -> dict[str, Any]:
        return {"scan_index": self.scan_index, "point_index": self.point_index}

    def _positions(self, raw: dict[str, Any]) -> dict[str, float]:
        positions = {}
        for key, axis in self._axes.items():
            own = {name: raw[f"{axis.name}.{name}"] for name in axis.raw_readbacks}
            positions[key] = axis.value_from_raw(own)
        return positions

    def _slow(self) -> dict[str, float]:
        around = self._surroundings
        return {
            "ring_current_ma": float(around.ring_current.get()),
            "jet_flow_ml_min": float(around.jet_flow.get()),
            "temperature_c": float(around.jet_temperature.get()),
        }

    def _failed_conditions(self, reading: ExposureReading) -> list[str]:
        conditions, shutter = self._conditions.failed(), reading.spc.laser_shutter
        failed = sorted(conditions - {"laser_lock"})
        if shutter == SHUTTER_MOVED or self.expected_shutter not in (None, shutter):
            failed.append("laser_shutter")
        if shutter != 0 and "laser_lock" in conditions:
            failed.append("laser_lock")
        if np.any(reading.spc.counts >= reading.spc.pulses):
            failed.append("gates_saturated")
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

    def describe(self) -> dict[str, dict[str, Any]]:
        """Data keys with their shapes, units and the PVs behind them."""
        settings = self._exposure.settings
        keys = {key: next(iter(axis.describe().values())) for key, axis in self._axes.items()}
        keys |= {name: _key("integer", source="trxas") for name in ("scan_index", "point_index")}
        keys |= _counted_keys(self._exposure, settings.apds, settings.probes)
        around = self._surroundings
        keys["ring_current_ma"] = _key("number", units="mA", source=around.ring_current.pvname)
        keys["jet_flow_ml_min"] = _key("number", units="ml/min", source=around.jet_flow.pvname)
        keys["temperature_c"] = _key("number", units="C", source=around.jet_temperature.pvname)
        keys["quality"] = _key("string", source="trxas")
        return keys

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


def _counted(reading: ExposureReading) -> dict[str, Any]:
    spc, boxcar = reading.spc, reading.boxcar
    return {
        "laser_shutter": spc.laser_shutter,
        "spc_counts": spc.counts,
        "spc_pulses": spc.pulses,
        "boxcar_mean": boxcar.mean,
        "boxcar_variance": boxcar.variance,
        "i0": reading.i0,
        "foil": reading.foil,
        "exposure_s": spc.exposure_s,
        "exposure_id": spc.exposure_id,
    }


def _counted_keys(exposure: Exposure, apds: int, probes: int) -> dict[str, dict[str, Any]]:
    spc, boxcar = exposure.spc_frame.pvname, exposure.boxcar_frame.pvname
    integers, floats = "<i8", "<f8"
    return {
        "laser_shutter": _key("integer", source=spc),
        "spc_counts": _key("array", source=spc, shape=[apds, probes], units="counts", dtype_numpy=integers),
        "spc_pulses": _key("array", source=spc, shape=[probes], units="pulses", dtype_numpy=integers),
        "boxcar_mean": _key("array", source=boxcar, shape=[probes], units="V", dtype_numpy=floats),
        "boxcar_variance": _key("array", source=boxcar, shape=[probes], units="V2", dtype_numpy=floats),
        "i0": _key("number", source=exposure.i0.pvname, units="counts"),
        "foil": _key("number", source=exposure.foil.pvname, units="counts"),
        "exposure_s": _key("number", source=spc, units="s"),
        "exposure_id": _key("integer", source=spc),
    }


def _key(dtype: str, *, source: str, shape: list[int] | None = None, **extra: str) -> dict[str, Any]:
    return {"source": source if source == "trxas" else f"PV:{source}", "dtype": dtype, "shape": shape or [], **extra}
