"""One exposure of a technique with its own detector: its fields beside axes, ion chamber and surroundings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ophyd import Device
from ophyd.status import StatusBase

from devices.axes.axis import Axis
from devices.configuration import QualitySettings
from devices.exposure.conditions import Conditions
from devices.exposure.detector_reader import DetectorReader
from devices.exposure.event_fields import Raw, counted_fields
from devices.exposure.gated_detectors import Exposure
from devices.signals.uncached_signal import FreshSignalRO, require_valid
from devices.surroundings import Surroundings


class TechniqueDetector(Device):
    """Base of detectors of other packages; a TechniqueReader triggers one with the beamline's own detectors.

    For each exposure `prepare` is called, then `trigger`, and `values` with the answers of all `fresh_signals`, which
    are requested in one round trip with everything else that belongs to the event.
    """

    def prepare(self, dwell_s: float) -> None:
        """Set the dwell of the next exposure, s; raise AcquisitionError if the detector cannot count that long."""
        raise NotImplementedError

    def trigger(self) -> StatusBase:
        """Start counting; the status is done when the dwell is over, or fails with a time-out that names the PV.

        Raises NotImplementedError unless a subclass overrides it.
        """
        raise NotImplementedError

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signals with the result of an exposure, by keys of the detector's choice."""
        raise NotImplementedError

    def values(self, raw: Mapping[str, Any], exposure_s: float) -> dict[str, Any]:
        """Return the event fields from the values of `fresh_signals`, for an exposure of `exposure_s` seconds.

        Raises AcquisitionError if they belong to an exposure other than the one that was triggered last.
        """
        raise NotImplementedError

    def remarks(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the faults of these event fields, as sentences by the names of conditions; empty if they are good."""
        return {}

    def data_keys(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of the event fields, as `data_key` makes them, with units.

        Raises NotImplementedError unless a subclass overrides it.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class TechniqueDevices:
    """The devices of every exposure of a technique; all `axes` are watched and recorded."""

    axes: Mapping[str, Axis]
    exposure: Exposure
    surroundings: Surroundings
    detector: TechniqueDetector


class TechniqueReader(DetectorReader):
    """Reader of the axes, the ion chamber, the ring current and the technique's detector, in a single round trip."""

    def __init__(self, devices: TechniqueDevices, *, conditions: Conditions, quality: QualitySettings) -> None:
        detector = devices.detector
        name = f"{detector.name}_point"
        super().__init__(
            name,
            devices.axes,
            exposure=devices.exposure,
            surroundings=devices.surroundings,
            conditions=conditions,
            quality=quality,
            detectors=[detector],
        )
        self._detector = detector
        # The detector chooses its keys freely. With its name in front, none can be equal to one of the beamline's.
        self._own = {f"{detector.name}:{key}": signal for key, signal in detector.fresh_signals().items()}
        self._signals = {**self._all_signals(), **self._surroundings_signals(), **self._own}

    @property
    def detector(self) -> TechniqueDetector:
        """The technique's own detector."""
        return self._detector

    def trigger(self) -> StatusBase:
        """Start the exposure on all detectors; raises AcquisitionError unless it is armed."""
        # Before the master starts: a detector that is armed later would miss the beginning of the gate.
        self._detector.prepare(self._exposure.dwell_s)
        return super().trigger()

    def _read(self) -> dict[str, dict[str, Any]]:
        # One round trip for everything, so that axes and conditions are those of the moment of the counts.
        raw = self._answers()
        reading = self._exposure_reading(raw)
        now = time.time()
        own = self._own_values(raw, reading.spc.exposure_s)
        values = self._indices() | self._positions(raw) | counted_fields(reading) | own | self._slow(raw)
        # Remarks of the detector make a point bad like those of the beamline: it is measured again.
        failed = self._quality(raw, reading)
        blind = self._detector.remarks(own)
        self.remarks |= blind
        values["quality"] = ",".join([*failed, *blind])
        values["marks"] = ",".join(self.marks)
        return {name: {"value": value, "timestamp": now} for name, value in values.items()}

    def _own_values(self, raw: Raw, exposure_s: float) -> dict[str, Any]:
        """Return the event fields of the detector; raises InvalidReadingError for a PV in INVALID alarm."""
        for key, signal in self._own.items():
            require_valid(signal.pvname, raw[key])
        values = {key.partition(":")[2]: raw[key].value for key in self._own}
        return self._detector.values(values, exposure_s)

    def _detector_keys(self) -> dict[str, dict[str, Any]]:
        return self._detector.data_keys()
