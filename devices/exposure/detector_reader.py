"""One exposure as the event of one detector: its fields beside axes, ion chamber and ring current."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ophyd import Device

from devices.axes.axis import Axis
from devices.configuration import QualitySettings
from devices.exposure.conditions import Conditions
from devices.exposure.event_fields import data_key
from devices.exposure.event_reader import EventReader
from devices.exposure.gated_detectors import Exposure
from devices.signals.uncached_signal import FreshSignalRO
from devices.surroundings import Surroundings


class DetectorReader(EventReader):
    """Base of readers without photodiodes; a subclass reads the detector."""

    def __init__(
        self,
        name: str,
        axes: Mapping[str, Axis],
        *,
        exposure: Exposure,
        surroundings: Surroundings,
        conditions: Conditions,
        quality: QualitySettings,
        detectors: Sequence[Device],
    ) -> None:
        super().__init__(name, axes, exposure, conditions, quality, detectors)
        self._surroundings = surroundings

    @abstractmethod
    def _detector_keys(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of the detector's event fields."""

    def _surroundings_signals(self) -> dict[str, FreshSignalRO]:
        current = self._surroundings.ring_current
        return {} if current is None else {"ring_current_ma": current}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys with their shapes, units and the PVs behind them."""
        frame = self._exposure.counts_source
        keys = {name: data_key("integer", source="trxas") for name in ("scan_index", "point_index")}
        keys |= {name: next(iter(axis.describe().values())) for name, axis in self._axes.items()}
        keys["laser_shutter"] = data_key("integer", source=frame)
        keys["i0"] = data_key("number", source=self._exposure.i0.pvname, units="counts")
        keys["exposure_s"] = data_key("number", source=frame, units="s")
        keys["exposure_id"] = data_key("integer", source=frame)
        keys |= self._detector_keys()
        keys |= {
            key: data_key("number", units="mA", source=signal.pvname)
            for key, signal in self._surroundings_signals().items()
        }
        keys |= {name: data_key("string", source="trxas") for name in ("quality", "marks")}
        return keys
