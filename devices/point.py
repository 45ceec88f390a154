"""One point as an event: where the axes are, what the detectors counted, and whether it may be averaged."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from devices.axis import Axis
from devices.conditions import Conditions
from devices.event_reader import EventReader, data_key
from devices.exposure import Exposure, ExposureReading
from devices.fresh import read_together
from devices.laser import Laser
from devices.surroundings import Surroundings


class PointReader(EventReader):
    """Reads everything that belongs to one exposure of the pumped jet, in a single round trip."""

    def __init__(self, axes: dict[str, Axis], exposure: Exposure, laser: Laser, surroundings: Surroundings) -> None:
        super().__init__("point", axes, exposure, Conditions(laser, surroundings))
        self._surroundings = surroundings
        self._signals = self._all_signals()

    @property
    def conditions(self) -> Conditions:
        """What watches ring, shutter, jet and laser; other readers of the same exposures share it."""
        return self._conditions

    def read(self) -> dict[str, dict[str, Any]]:
        """The event's data; raises AcquisitionError if the exposure is not the one triggered last."""
        raw = read_together(self._signals)
        reading = self._exposure.reading_from_raw(raw)
        now = time.time()
        positions = self._positions(raw)
        values = self._indices() | positions | _counted(reading) | self._slow()
        values["quality"] = ",".join(self._failed_conditions(reading) + self._astray(positions))
        return {name: {"value": value, "timestamp": now} for name, value in values.items()}

    def _slow(self) -> dict[str, float]:
        around = self._surroundings
        return {
            "ring_current_ma": float(around.ring_current.get()),
            "jet_flow_ml_min": float(around.jet_flow.get()),
            "temperature_c": float(around.jet_temperature.get()),
        }

    def _failed_conditions(self, reading: ExposureReading) -> list[str]:
        failed = super()._failed_conditions(reading)
        if "gates_saturated" in self._needed and np.any(reading.spc.counts >= reading.spc.pulses):
            failed.append("gates_saturated")
        return failed

    def describe(self) -> dict[str, dict[str, Any]]:
        """Data keys with their shapes, units and the PVs behind them."""
        settings = self._exposure.settings
        keys = {key: next(iter(axis.describe().values())) for key, axis in self._axes.items()}
        keys |= {name: data_key("integer", source="trxas") for name in ("scan_index", "point_index")}
        keys |= _counted_keys(self._exposure, settings.apds, settings.probes)
        around = self._surroundings
        keys["ring_current_ma"] = data_key("number", units="mA", source=around.ring_current.pvname)
        keys["jet_flow_ml_min"] = data_key("number", units="ml/min", source=around.jet_flow.pvname)
        keys["temperature_c"] = data_key("number", units="C", source=around.jet_temperature.pvname)
        keys["quality"] = data_key("string", source="trxas")
        return keys


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
        "laser_shutter": data_key("integer", source=spc),
        "spc_counts": data_key("array", source=spc, shape=[apds, probes], units="counts", dtype_numpy=integers),
        "spc_pulses": data_key("array", source=spc, shape=[probes], units="pulses", dtype_numpy=integers),
        "boxcar_mean": data_key("array", source=boxcar, shape=[probes], units="V", dtype_numpy=floats),
        "boxcar_variance": data_key("array", source=boxcar, shape=[probes], units="V2", dtype_numpy=floats),
        "i0": data_key("number", source=exposure.i0.pvname, units="counts"),
        "foil": data_key("number", source=exposure.foil.pvname, units="counts"),
        "exposure_s": data_key("number", source=spc, units="s"),
        "exposure_id": data_key("integer", source=spc),
    }
