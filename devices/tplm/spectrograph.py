"""The camera of the spectrograph: an areaDetector whose rows are binned to one spectrum per exposure."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal
from ophyd.status import DeviceStatus

from devices.exposure.event_fields import data_key
from devices.signals.move_status import MoveStatus, finish
from devices.signals.uncached_signal import (
    FreshSignalRO,
    PvReading,
    put_and_wait,
    put_with_completion,
    put_without_completion,
    read_together,
)
from devices.types import IntArray
from errors import AcquisitionError

READOUT_S = 0.05
"""Requested time between two exposures, s: more than any camera of this class needs."""

MARGIN_S = 20.0
"""Time beyond the exposure after which it counts as failed, s."""

IDLE_POLL_S = 0.01

SETTINGS: Mapping[str, float] = {
    "trigger_mode": 0, "image_mode": 0, "num_images": 1, "callbacks": 1, "array_enabled": 1, "blocking": 1, "bin_x": 1,
}  # fmt: skip
"""Settings by which one trigger makes one spectrum, served before its completion: internal trigger, single image."""


class Spectrograph(Device):
    """Camera, in the records of ADPICam with an array plugin; its grating is the axis `wavelength_nm`.

    `facts` are what start documents state of both: `pixels`, `rows`, `dispersion_nm`, `fwhm_nm` of a sharp line,
    `wavelength_error_nm`, `electrons_per_count`. A spectrum with more than `counts_high` counts in a
    column is bad.
    """

    # One exposure: the number of the latest image is read, Acquire is written, its put completes when the blocking
    # plugin has the image, and the image that is read must have the next number. So an image of another client, or a
    # trigger that was refused, is found.

    acquire = Cpt(EpicsSignal, "cam1:Acquire", kind="omitted")
    acquiring = Cpt(FreshSignalRO, "cam1:Acquire_RBV", kind="omitted")
    exposure = Cpt(EpicsSignal, "cam1:AcquireTime", kind="omitted")
    exposure_readback = Cpt(FreshSignalRO, "cam1:AcquireTime_RBV", kind="omitted")
    period = Cpt(EpicsSignal, "cam1:AcquirePeriod", kind="omitted")
    trigger_mode = Cpt(EpicsSignal, "cam1:TriggerMode", kind="omitted")
    image_mode = Cpt(EpicsSignal, "cam1:ImageMode", kind="omitted")
    num_images = Cpt(EpicsSignal, "cam1:NumImages", kind="omitted")
    callbacks = Cpt(EpicsSignal, "cam1:ArrayCallbacks", kind="omitted")
    bin_x = Cpt(EpicsSignal, "cam1:BinX", kind="omitted")
    bin_y = Cpt(EpicsSignal, "cam1:BinY", kind="omitted")
    ccd_temperature = Cpt(FreshSignalRO, "cam1:TemperatureActual", kind="omitted")
    array_enabled = Cpt(EpicsSignal, "image1:EnableCallbacks", kind="omitted")
    blocking = Cpt(EpicsSignal, "image1:BlockingCallbacks", kind="omitted")
    number = Cpt(FreshSignalRO, "image1:UniqueId_RBV", kind="omitted")
    array = Cpt(FreshSignalRO, "image1:ArrayData", kind="omitted")

    def __init__(
        self, prefix: str, *, name: str, facts: Mapping[str, Any], counts_high: int = 62_000, **kwargs: Any
    ) -> None:
        self.facts = dict(facts)
        self.counts_high = counts_high
        self._exposure_s = math.nan
        self._before = -1
        super().__init__(prefix, name=name, **kwargs)

    def prepare(self, exposure_s: float) -> None:
        """Set the exposure of the next spectra, s, and all that one trigger relies on; an acquisition is stopped.

        Raises AcquisitionError if the camera does not accept the exposure, or does not stop.
        """
        self.stop()
        if self._exposure_s == exposure_s and self._keeps(exposure_s):
            return
        for name, value in {**SETTINGS, "bin_y": int(self.facts["rows"])}.items():
            put_and_wait(getattr(self, name), value)
        put_and_wait(self.exposure, exposure_s)
        put_and_wait(self.period, exposure_s + READOUT_S)
        if not self._keeps(exposure_s):
            raise AcquisitionError(
                f"{self.exposure.pvname} does not stay at {exposure_s:g} s. Check the camera's limits."
            )
        self._exposure_s = exposure_s

    def _keeps(self, exposure_s: float) -> bool:
        kept = float(read_together({"exposure": self.exposure_readback})["exposure"])
        return math.isclose(kept, exposure_s, rel_tol=1e-6)

    def trigger(self) -> DeviceStatus:
        """Take one spectrum; the status is done when the array plugin has it.

        Raises AcquisitionError before the first `prepare`, NotConnectedError if the camera does not answer.
        """
        if math.isnan(self._exposure_s):
            raise AcquisitionError(f"{self.name} has no exposure yet. Call prepare(exposure_s) before trigger().")
        self._before = int(read_together({"number": self.number})["number"])
        what = f"{self.name}: a spectrum of {self._exposure_s:g} s"
        timeout_s = self._exposure_s + MARGIN_S
        status = MoveStatus(self, what=what, pvs=[self.acquire.pvname], timeout_s=timeout_s)
        status.begin_by(lambda: put_with_completion(self.acquire, 1, lambda **_: finish(status)))
        return status

    def stop(self, *, success: bool = False) -> None:
        """End a running acquisition; raises AcquisitionError if the camera does not stop."""
        if not self.connected or not int(read_together({"acquiring": self.acquiring})["acquiring"]):
            return
        put_without_completion(self.acquire, 0)
        deadline = time.monotonic() + MARGIN_S
        while int(read_together({"acquiring": self.acquiring})["acquiring"]):
            if time.monotonic() > deadline:
                raise AcquisitionError(
                    f"{self.acquiring.pvname} still exposes {MARGIN_S:g} s after it was stopped. Restart its IOC."
                )
            time.sleep(IDLE_POLL_S)

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signals of a spectrum, for reading them together with others."""
        return {
            "spectrum_number": self.number, "spectrum": self.array, "ccd_temperature_c": self.ccd_temperature,
        }  # fmt: skip

    def values(self, readings: Mapping[str, PvReading]) -> dict[str, Any]:
        """Return the event fields of the spectrum triggered last; raises AcquisitionError for any other one."""
        number = int(readings["spectrum_number"].value)
        if number != self._before + 1:
            raise AcquisitionError(
                f"Expected spectrum {self._before + 1}, found {number} in {self.number.pvname}. The trigger was "
                "refused, the IOC restarted, or another client is exposing; the point is measured again."
            )
        # From here on this spectrum counts as read: reading it twice would store it as two points.
        self._before = number
        return {
            "pl_counts": self._counts(np.atleast_1d(readings["spectrum"].value)),
            "pl_exposure_id": number,
            "ccd_temperature_c": float(readings["ccd_temperature_c"].value),
        }

    def _counts(self, array: Any) -> IntArray:
        pixels = int(self.facts["pixels"])
        if array.size != pixels:
            raise AcquisitionError(
                f"{self.array.pvname} has {array.size} numbers, a spectrum has {pixels}. Undo the camera's region or "
                "binning, or correct pixels in the configuration."
            )
        return np.asarray(array, dtype=np.int64)

    def remarks(self, counts: IntArray) -> dict[str, str]:
        """Return the fault of a spectrum with full columns, counts (columns,), as a sentence; empty without one."""
        highest = int(counts.max())
        if highest <= self.counts_high:
            return {}
        return {
            "ccd_full": f"ccd_full: {highest} counts in a column, needs at most {self.counts_high}; shorten the dwell"
        }

    def data_keys(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of the event fields of a spectrum, with shapes, units and PVs."""
        shape = [int(self.facts["pixels"])]
        source = self.array.pvname
        return {
            "pl_counts": data_key("array", source=source, shape=shape, units="counts", dtype_numpy="<u4"),
            "pl_exposure_id": data_key("integer", source=self.number.pvname),
            "ccd_temperature_c": data_key("number", source=self.ccd_temperature.pvname, units="C"),
        }
