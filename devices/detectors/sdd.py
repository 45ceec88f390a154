"""Silicon drift detector: counts in the fluorescence window, and the rates that give its dead time, per exposure.

Frame: id, seconds, counts (element), input rate (element), output rate (element). The id is that of the master scaler's
exposure, as in the frames of the other detectors.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from ophyd import Device
from ophyd import FormattedComponent as FCpt

from devices.configuration import SddSettings
from devices.signals.uncached_signal import FreshSignalRO, read_together
from devices.types import FloatArray, IntArray
from errors import AcquisitionError

TIME_TOLERANCE = 1e-3
"""Relative disagreement allowed between the master's clock and the frame's."""


@dataclass(frozen=True, kw_only=True)
class SddFrame:
    """One exposure: `counts` in the window; `input_rate` and `output_rate` of the whole spectrum, 1/s; (element,).

    Without dead time, an element would have counted counts x input_rate / output_rate.
    """

    exposure_id: int
    exposure_s: float
    counts: IntArray
    input_rate: FloatArray
    output_rate: FloatArray


def parse_sdd_frame(raw: ArrayLike, elements: int, pv: str) -> SddFrame:
    """Return the frame of `pv`; raises AcquisitionError for a wrong layout or for impossible counts."""
    values = np.atleast_1d(np.asarray(raw, dtype=float))
    if values.shape != (2 + 3 * elements,):
        raise AcquisitionError(
            f"{pv} has {values.size} numbers; {elements} elements need {2 + 3 * elements}. Correct [sdd] in the "
            "configuration file."
        )
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        raise AcquisitionError(f"{pv} holds negative, infinite or NaN values: {values}. Restart the detector's IOC.")
    counts, input_rate, output_rate = values[2:].reshape(3, elements)
    whole = counts.astype(np.int64)
    if np.any(whole != counts):
        raise AcquisitionError(
            f"{pv} holds counts that are not whole numbers: {counts}. Check the database of its IOC."
        )
    return SddFrame(
        exposure_id=int(values[0]),
        exposure_s=float(values[1]),
        counts=whole,
        input_rate=input_rate,
        output_rate=output_rate,
    )


class Sdd(Device):
    """The detector, which has no trigger of its own: the gate of the master scaler opens it."""

    frame = FCpt(FreshSignalRO, "{_prefix}{_settings.frame}", kind="omitted")

    def __init__(self, settings: SddSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__("", name=name)

    @property
    def elements(self) -> int:
        """Number of elements: the length of each array of an event."""
        return self._settings.elements

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signal of the frame, (2 + 3 x elements,), by its key, for reading it with other detectors."""
        return {"sdd_frame": self.frame}

    def reading_from_raw(self, raw: Mapping[str, Any], *, exposure_id: int, exposure_s: float) -> SddFrame:
        """Return the frame of the master's exposure `exposure_id`, `exposure_s` long.

        Raises AcquisitionError if the frame belongs to another exposure.
        """
        frame = parse_sdd_frame(raw["sdd_frame"], self.elements, self.frame.pvname)
        # The number alone proves nothing: a detector that was restarted counts from 1 and may reach the same number
        # again. Its exposure time then usually differs from the master's.
        same_time = math.isclose(frame.exposure_s, exposure_s, rel_tol=TIME_TOLERANCE)
        if frame.exposure_id != exposure_id or not same_time:
            raise AcquisitionError(
                f"{self.frame.pvname} holds exposure {frame.exposure_id} of {frame.exposure_s:g} s, expected "
                f"{exposure_id} of {exposure_s:g} s: the detector missed the gate; the point is measured again."
            )
        return frame

    def failed_conditions(self, frame: SddFrame) -> list[str]:
        """Return the names of the conditions that fail: too much dead time, or an element without counts."""
        # The share of time in which an element was dead is 1 - output / input rate. Written as a product, an element
        # without counts, whose rates are both 0, is not a division by zero; it has a condition of its own.
        failed = []
        if np.any(frame.output_rate < frame.input_rate * (1 - self._settings.dead_fraction_high)):
            failed.append("sdd_dead_time")
        if np.any(frame.output_rate <= 0):
            failed.append("sdd_no_counts")
        return failed

    def values(self, frame: SddFrame) -> dict[str, Any]:
        """Return the event fields of a frame: counts, and rates in 1/s, each (element,)."""
        return {
            "sdd_counts": frame.counts,
            "sdd_input_rate": frame.input_rate,
            "sdd_output_rate": frame.output_rate,
        }

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the event fields of the latest exposure, even if it has been read before.

        Raises the same errors as `parse_sdd_frame`.
        """
        raw = read_together(self.fresh_signals())
        frame = parse_sdd_frame(raw["sdd_frame"], self.elements, self.frame.pvname)
        now = time.time()
        return {key: {"value": value, "timestamp": now} for key, value in self.values(frame).items()}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of counts, and of input and output rates in 1/s, each (element,)."""
        key = {"source": f"PV:{self.frame.pvname}", "dtype": "array", "shape": [self.elements]}
        rates = {**key, "units": "1/s", "dtype_numpy": "<f8"}
        return {
            "sdd_counts": {**key, "units": "counts", "dtype_numpy": "<i8"},
            "sdd_input_rate": rates,
            "sdd_output_rate": rates,
        }
