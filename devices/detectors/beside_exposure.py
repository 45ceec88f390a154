"""Detectors that are read alongside the exposure, each separately: a missing value costs only the data of its detector.

Their records carry no number of the exposure. A value belongs to the exposure if its record was processed after the
previous read-out and within half the dwell, or the tolerance of [exposure], of the end of the master's gate. All fields
of one record must carry one time stamp. Otherwise the detector has no value of this exposure: its fields hold zeros,
and the mark NAME_missing distinguishes them from measured zeros.
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ophyd import Device
from ophyd import FormattedComponent as FCpt

from devices.configuration import ExposureSettings
from devices.configuration.listed_detectors import (
    AnalogDetector,
    DriftDetector,
    Entry,
    IonChamber,
    SpcDetector,
)
from devices.signals.uncached_signal import FreshSignalRO, PvReading, require_valid
from devices.types import FloatArray
from errors import AcquisitionError, TrxasError

MISSING_ENDING = "_missing"
"""Ending of the mark of a detector that has no value of the exposure; its name stands before it."""

COUNTED_TOLERANCE = 1e-3
"""Relative disagreement allowed between the clock of a scaler and that of the master."""

ANSWER_TIMEOUT_S = 1.0
"""Longest wait for a detector alongside the exposure, s; the exposure itself has been read by then."""

Readings = Mapping[str, PvReading]
"""Answers of the PVs of one detector, by attribute name."""

logger = logging.getLogger("trxas.devices")


class BesideDetector(Device):
    """One detector of the list with its own PVs; its signals are attributes named by `pvs_of`."""

    def __init__(self, entry: Entry, settings: ExposureSettings, *, prefix: str) -> None:
        self.entry = entry
        self._exposure_settings = settings
        self._prefix = prefix
        super().__init__("", name=entry.name)

    @abstractmethod
    def values(self, readings: Readings, exposure_s: float) -> dict[str, Any]:
        """Return the event fields from the answers of one exposure of `exposure_s` seconds.

        Raises AcquisitionError for impossible values.
        """

    @abstractmethod
    def empty(self) -> dict[str, Any]:
        """Return the event fields of an exposure without a value: zeros of the same shapes."""

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signals by attribute name."""
        return {name: getattr(self, name) for name in self.component_names}

    def fields(self) -> dict[str, str]:
        """Return the event fields by the quantity that they hold, for the start document."""
        return {key.removeprefix(f"{self.name}_"): key for key in self.empty()}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of the event fields, with their shapes (element, gate), units and PVs."""
        source = "PV:" + ",".join(signal.pvname for signal in self.fresh_signals().values())
        return {
            key: {
                "source": source,
                "dtype": "array" if np.ndim(value) else "number",
                "shape": list(np.shape(value)),
                "units": self._unit(key),
                # The catalogue allocates arrays before the first event, and needs their exact type then.
                **({"dtype_numpy": np.asarray(value).dtype.str} if np.ndim(value) else {}),
            }
            for key, value in self.empty().items()
        }

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the current values, whichever exposure they are from; raises TrxasError if there are none."""
        waited = Waited([self])
        readings = waited.collect()[self.name]
        if readings is None:
            raise AcquisitionError(f"{self.name} does not answer. Check its IOC.")
        now = time.time()
        return {key: {"value": value, "timestamp": now} for key, value in self.values(readings, 0.0).items()}

    def _unit(self, key: str) -> str:
        units = {"counts": "counts", "pulses": "pulses", "input_rate": "1/s", "output_rate": "1/s", "mean": "V"}
        return units.get(key.removeprefix(f"{self.name}_"), "")

    def _table(self, readings: Readings, table: Sequence[Sequence[Any]], *, whole: bool) -> FloatArray:
        """Return the numbers of a table of channels or records, (element, gate)."""
        values = np.array([[readings[attribute(source)].value for source in row] for row in table], dtype=float)
        if not np.isfinite(values).all():
            raise AcquisitionError(f"{self.name} holds NaN or infinite values: {values.tolist()}.")
        if whole and ((values < 0).any() or (values != np.floor(values)).any()):
            raise AcquisitionError(f"{self.name} holds counts that are not whole numbers: {values.tolist()}.")
        return values


class CountingBeside(BesideDetector):
    """Gates on scaler channels: `NAME_counts` (element, gate) and `NAME_pulses` (gate,)."""

    pumps_per_s = 0.0

    def values(self, readings: Readings, exposure_s: float) -> dict[str, Any]:
        """Return counts, shape (element, gate), and the gates opened (gate,): counted, or by `exposure_s` seconds."""
        entry = self.entry
        assert isinstance(entry, SpcDetector)
        counts = self._table(readings, entry.channels, whole=True).astype(np.int64)
        channel = entry.openings_channel
        opened = readings[attribute(channel)].value if channel else exposure_s * self.pumps_per_s
        pulses = int(opened) * entry.diodes
        return self._named(counts, np.full(counts.shape[1], pulses, dtype=np.int64))

    def empty(self) -> dict[str, Any]:
        """Return no counts and no gates opened."""
        entry = self.entry
        assert isinstance(entry, SpcDetector)
        shape = len(entry.channels), len(entry.channels[0])
        return self._named(np.zeros(shape, dtype=np.int64), np.zeros(shape[1], dtype=np.int64))

    def _named(self, counts: Any, pulses: Any) -> dict[str, Any]:
        return {f"{self.name}_counts": counts, f"{self.name}_pulses": pulses}


class AnalogBeside(BesideDetector):
    """Mean signal per pulse, V, in records: `NAME_mean` (element, gate), which increases with the light."""

    def values(self, readings: Readings, exposure_s: float) -> dict[str, Any]:  # a mean has no length
        """Return the mean signal, V, shape (element, gate)."""
        entry = self.entry
        assert isinstance(entry, AnalogDetector)
        return {f"{self.name}_mean": entry.polarity * self._table(readings, entry.records, whole=False)}

    def empty(self) -> dict[str, Any]:
        """Return a signal of 0 V."""
        entry = self.entry
        assert isinstance(entry, AnalogDetector)
        return {f"{self.name}_mean": np.zeros((len(entry.records), len(entry.records[0])))}


class DriftBeside(BesideDetector):
    """Silicon drift detector: `NAME_counts` (element, gate), `NAME_input_rate`, `NAME_output_rate` (element,), 1/s."""

    def values(self, readings: Readings, exposure_s: float) -> dict[str, Any]:  # only ratios of rates
        """Return counts, shape (element, gate), and both rates (element,), 1/s.

        Raises AcquisitionError for a dead time above `dead_fraction_high` of the entry.
        """
        entry = self.entry
        assert isinstance(entry, DriftDetector)
        counts = self._table(readings, entry.table_of, whole=True).astype(np.int64)
        rates = [self._table(readings, [row], whole=False)[0] for row in (entry.input_rates, entry.output_rates)]
        live = np.divide(rates[1], rates[0], out=np.zeros_like(rates[0]), where=rates[0] > 0)
        if (live < 1 - entry.dead_fraction_high).any():
            raise AcquisitionError(
                f"{self.name} was dead for {1 - live.min():.0%} of the time, more than {entry.dead_fraction_high:.0%}. "
                "Attenuate the X-rays, or move the detector back."
            )
        return self._named(counts, *rates)

    def empty(self) -> dict[str, Any]:
        """Return no counts, and rates of 0/s."""
        entry = self.entry
        assert isinstance(entry, DriftDetector)
        shape = len(entry.table_of), len(entry.table_of[0])
        return self._named(np.zeros(shape, dtype=np.int64), np.zeros(shape[0]), np.zeros(shape[0]))

    def _named(self, counts: Any, input_rate: Any, output_rate: Any) -> dict[str, Any]:
        fields = {"counts": counts, "input_rate": input_rate, "output_rate": output_rate}
        return {f"{self.name}_{key}": value for key, value in fields.items()}


class ChamberBeside(BesideDetector):
    """Ion chamber or diode: one number under its own name, as the channel or record serves it."""

    def values(self, readings: Readings, exposure_s: float) -> dict[str, Any]:  # as it is served
        """Return counts of a channel, or the mean of a record in its unit, such as V.

        Raises AcquisitionError for a value that is not a finite number.
        """
        number = float(readings[self._source].value)
        if not np.isfinite(number):
            raise AcquisitionError(f"{self.name} shows {number:g}, which is not a finite number.")
        return {self.name: number}

    def empty(self) -> dict[str, Any]:
        """Return 0."""
        return {self.name: 0.0}

    def fields(self) -> dict[str, str]:
        """Return the field as "counts" of a channel, or as the "mean" of a record."""
        return {"counts" if self._chamber.channel else "mean": self.name}

    def _unit(self, key: str) -> str:
        return "counts" if self._chamber.channel else super()._unit(key)

    @property
    def _chamber(self) -> IonChamber:
        assert isinstance(self.entry, IonChamber)
        return self.entry

    @property
    def _source(self) -> str:
        return attribute(self._chamber.channel or self._chamber.record)


CLASSES: dict[type[Any], type[BesideDetector]] = {
    SpcDetector: CountingBeside,
    AnalogDetector: AnalogBeside,
    DriftDetector: DriftBeside,
    IonChamber: ChamberBeside,
}


def attribute(source: int | str) -> str:
    """Return the attribute of a scaler channel, given by its number, or of a record, by its name."""
    text = f"channel_{source}" if isinstance(source, int) else f"record_{source}"
    return "".join(letter if letter.isalnum() else "_" for letter in text)


def beside_detector(entry: Entry, settings: ExposureSettings, *, prefix: str, pumps_per_s: float) -> BesideDetector:
    """Return the device of an entry, not connected yet; `pumps_per_s` are the openings of each gate per second."""
    return beside_class(entry, settings, pumps_per_s)(entry, settings, prefix=prefix)


def beside_class(entry: Entry, settings: ExposureSettings, pumps_per_s: float) -> type[BesideDetector]:
    """Return the class of an entry, with a component per channel and record."""
    # ophyd declares components in the class, and the PVs are known only from the file: hence a class per entry.
    scaler = getattr(entry, "scaler", "") or settings.scaler
    channels = [channel for _, channel in entry.channels_of]
    openings = getattr(entry, "openings_channel", 0)
    pvs = {attribute(channel): f"{scaler}.S{channel}" for channel in (*channels, *([openings] if openings else []))}
    if pvs and scaler != settings.scaler:
        pvs["counted_s"] = f"{scaler}.T"
    pvs |= {attribute(record): record for record in entry.records_of}
    components: dict[str, Any] = {
        name: FCpt(FreshSignalRO, "{_prefix}" + pv.replace("{", "{{").replace("}", "}}"), kind="omitted")
        for name, pv in pvs.items()
    }
    base = CLASSES[type(entry)]
    return type(base.__name__, (base,), {**components, "pumps_per_s": pumps_per_s})


class Waited:
    """Requests sent to several detectors together; one that does not answer does not affect the others."""

    def __init__(self, detectors: Sequence[BesideDetector]) -> None:
        self._signals = {detector.name: detector.fresh_signals() for detector in detectors}
        self._asked = {name: all(map(_requested, signals.values())) for name, signals in self._signals.items()}

    def collect(self) -> dict[str, Readings | None]:
        """Return the answers by detector; None where a PV is not connected or does not answer in 1 s."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        return {
            name: self._answers(signals, deadline) if self._asked[name] else None
            for name, signals in self._signals.items()
        }

    @staticmethod
    def _answers(signals: Mapping[str, FreshSignalRO], deadline: float) -> Readings | None:
        try:
            readings = {key: one.collect(max(deadline - time.monotonic(), 0.01)) for key, one in signals.items()}
            for key, reading in readings.items():
                require_valid(signals[key].pvname, reading)
        except (TrxasError, TimeoutError) as error:
            logger.debug("A detector did not answer: %s", error)
            return None
        return readings


def _requested(signal: FreshSignalRO) -> bool:
    """Request a value, and return whether that was possible."""
    try:
        signal.request()
    except (TrxasError, TimeoutError):
        return False
    return True
