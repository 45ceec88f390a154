"""One exposure of the powder cell as an event: no pump, no jet, no photodiodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ophyd import Device

from devices.axes.cell import TEMPERATURE, Cell
from devices.axes.energy import Energy
from devices.configuration import QualitySettings
from devices.detectors.sdd import Sdd
from devices.exposure.conditions import Conditions
from devices.exposure.detector_reader import DetectorReader
from devices.exposure.event_fields import Raw, counted_fields
from devices.exposure.gated_detectors import Exposure, ExposureReading
from devices.names import AxisName
from devices.sample_stage import SampleStage
from devices.signals.uncached_signal import require_valid
from devices.surroundings import Surroundings

STAGE = "sample_stage"
"""Key of its read-back among the raw values."""


@dataclass(frozen=True, kw_only=True)
class PowderDevices:
    """The devices of every exposure of the powder cell; `stage` puts the cell into the beam."""

    energy: Energy
    cell: Cell
    stage: SampleStage
    exposure: Exposure
    surroundings: Surroundings


class PowderReader(DetectorReader):
    """Reader of energy, temperature, ion chamber and, if there is one, the drift detector, in a single round trip.

    `detectors` are triggered with the master scaler and add nothing to the event.
    """

    def __init__(
        self,
        name: str,
        devices: PowderDevices,
        *,
        conditions: Conditions,
        sdd: Sdd | None = None,
        detectors: Sequence[Device] = (),
        quality: QualitySettings | None = None,
    ) -> None:
        quality = QualitySettings() if quality is None else quality
        axes = {AxisName.ENERGY.value: devices.energy, TEMPERATURE: devices.cell}
        super().__init__(
            name,
            axes,
            exposure=devices.exposure,
            surroundings=devices.surroundings,
            conditions=conditions,
            quality=quality,
            detectors=detectors,
        )
        self._stage = devices.stage
        self._sdd = sdd
        self._signals = {**self._all_signals(), **self._surroundings_signals(), STAGE: devices.stage.readback}
        self._signals |= sdd.fresh_signals() if sdd else {}

    def _read(self) -> dict[str, dict[str, Any]]:
        raw = self._answers()
        reading = self._exposure_reading(raw)
        positions = self._positions(raw)
        now = time.time()
        seen, blind = self._fluorescence(raw, reading)
        values = self._indices() | positions | seen | counted_fields(reading) | self._slow(raw)
        # The stage has no monitored condition: it takes seconds to exchange the samples, so a wrong sample at the
        # end was wrong during the exposure, too.
        failed = self._quality(raw, reading) + blind
        self.remarks |= {name: f"{name}: too much dead time, or an element without counts" for name in blind}
        if not raw[STAGE].valid or int(raw[STAGE].value) != self._stage.state_of("cell"):
            failed.append(self._stage.name)
            self.remarks[self._stage.name] = f"{self._stage.name}: the cell is not in the beam"
        values["quality"] = ",".join(failed)
        values["marks"] = ",".join(self.marks)
        return {name: {"value": value, "timestamp": now} for name, value in values.items()}

    def _fluorescence(self, raw: Raw, reading: ExposureReading) -> tuple[dict[str, Any], list[str]]:
        """Return the event fields of the drift detector, (element,) each, and its conditions that failed."""
        if self._sdd is None:
            return {}, []
        spc = reading.spc
        signals = self._sdd.fresh_signals()
        for key, signal in signals.items():
            require_valid(signal.pvname, raw[key])
        values = {key: raw[key].value for key in signals}
        frame = self._sdd.reading_from_raw(values, exposure_id=spc.exposure_id, exposure_s=spc.exposure_s)
        return self._sdd.values(frame), self._sdd.failed_conditions(frame)

    def _detector_keys(self) -> dict[str, dict[str, Any]]:
        return {} if self._sdd is None else self._sdd.describe()
