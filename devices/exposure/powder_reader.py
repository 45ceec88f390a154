"""One exposure of the powder cell as an event: no pump, no jet, no photodiodes."""

from __future__ import annotations

import time
from typing import Any

from devices.axes.cell import TEMPERATURE, Cell
from devices.axes.energy import Energy
from devices.configuration import QualitySettings
from devices.detectors.sdd import Sdd
from devices.exposure.conditions import Conditions
from devices.exposure.event_reader import CONDITION, EventReader, data_key
from devices.exposure.gated_detectors import Exposure, ExposureReading
from devices.sample_stage import SampleStage
from devices.signals.uncached_signal import read_together
from devices.surroundings import Surroundings

STAGE = "sample_stage"
"""Key of its read-back among the raw values."""


class PowderReader(EventReader):
    """Reads energy, temperature, ion chamber and, if there is one, the drift detector in a single round trip."""

    def __init__(
        self,
        name: str,
        *,
        energy: Energy,
        cell: Cell,
        stage: SampleStage,
        exposure: Exposure,
        surroundings: Surroundings,
        conditions: Conditions,
        sdd: Sdd | None = None,
        quality: QualitySettings | None = None,
    ) -> None:
        quality = QualitySettings() if quality is None else quality
        super().__init__(name, {"energy_ev": energy, TEMPERATURE: cell}, exposure, conditions, quality)
        self._stage, self._surroundings, self._sdd = stage, surroundings, sdd
        self._signals = {**self._all_signals(), STAGE: stage.readback, **(sdd.fresh_signals() if sdd else {})}

    def read(self) -> dict[str, dict[str, Any]]:
        """The event's data; raises AcquisitionError if the exposure is not the one triggered last."""
        raw = read_together({**self._signals, **self._slow_signals()})
        reading = self._exposure.reading_from_raw(raw)
        positions, now = self._positions(raw), time.time()
        seen, blind = self._fluorescence(raw, reading)
        values = self._indices() | positions | seen | self._counted(raw, reading)
        failed = self._quality(raw, reading) + blind
        self.remarks |= {name: f"{name}: too much dead time, or an element without counts" for name in blind}
        if int(raw[STAGE]) != self._stage.state_of("cell"):
            failed.append(self._stage.name)
            self.remarks[self._stage.name] = f"{self._stage.name}: the cell is not in the beam"
        values["quality"] = ",".join(failed)
        return {name: {"value": value, "timestamp": now} for name, value in values.items()}

    def _fluorescence(self, raw: dict[str, Any], reading: ExposureReading) -> tuple[dict[str, Any], list[str]]:
        """What the drift detector counted, and its conditions that failed."""
        if self._sdd is None:
            return {}, []
        spc = reading.spc
        frame = self._sdd.reading_from_raw(raw, exposure_id=spc.exposure_id, exposure_s=spc.exposure_s)
        return self._sdd.values(frame), self._sdd.failed_conditions(frame)

    def _counted(self, raw: dict[str, Any], reading: ExposureReading) -> dict[str, Any]:
        return {
            "laser_shutter": reading.spc.laser_shutter,
            "i0": reading.i0,
            "exposure_s": reading.spc.exposure_s,
            "exposure_id": reading.spc.exposure_id,
            "ring_current_ma": float(raw[CONDITION + "ring_current"]),
        }

    def describe(self) -> dict[str, dict[str, Any]]:
        """Data keys with their shapes, units and the PVs behind them."""
        frame = self._exposure.spc_frame.pvname
        keys = {name: data_key("integer", source="trxas") for name in ("scan_index", "point_index")}
        keys |= {name: next(iter(axis.describe().values())) for name, axis in self._axes.items()}
        keys |= {} if self._sdd is None else self._sdd.describe()
        keys["laser_shutter"] = data_key("integer", source=frame)
        keys["i0"] = data_key("number", source=self._exposure.i0.pvname, units="counts")
        keys["exposure_s"] = data_key("number", source=frame, units="s")
        keys["exposure_id"] = data_key("integer", source=frame)
        keys["ring_current_ma"] = data_key("number", units="mA", source=self._surroundings.ring_current.pvname)
        keys["quality"] = data_key("string", source="trxas")
        return keys
