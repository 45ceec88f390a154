"""The photon timing electronics: one histogram per exposure, with the number of the exposure in the same array."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from ophyd import Component as Cpt
from ophyd import EpicsSignal
from ophyd.device import Device

from devices.exposure.frames import SpcFrame
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.own_detector import OwnDetector
from devices.signals.uncached_signal import FreshSignalRO, PvReading, put_and_wait, read_together, valid_readings
from devices.tplm.spot_dose import SpotDoses
from devices.types import IntArray
from errors import AcquisitionError

HEAD = 8
"""Numbers of a frame before its counts."""

CENTRE_TOLERANCE_UM = 0.02
"""Shift of the image, um, within which its centre counts as found: 10 um of the detector's stage."""

FOCUS_TOLERANCE_UM = 0.1
"""Shift of the best height, um, within which the focus counts as found: the image is 1.6 % wider in area there."""

TIMINGS = {"internal": "photon_timing_internal", "external": "photon_timing_external"}
CENTRES = {"x_um": "image_centre_x", "y_um": "image_centre_y"}
DARK = "dark_rate"
FOCUS = "focus"
"""Names of the calibrations: time zero with the response by trigger source, centres by axis, dark rate, focus."""


@dataclass(frozen=True, kw_only=True)
class TimingFrame:
    """One exposure: `counts` (channels,) of one pump period, and the laser pulses that started them.

    `highest` is the largest count of a channel, `bin_ps` the width of a channel.
    """

    exposure_id: int
    exposure_s: float
    laser_shutter: int
    sync_pulses: int
    external_trigger: bool
    highest: int
    bin_ps: float
    counts: IntArray


def parse_timing_frame(raw: ArrayLike, pv: str) -> TimingFrame:
    """Return the frame of `pv`; raises AcquisitionError for a wrong length or impossible counts."""
    values = np.asarray(raw, dtype=float)
    channels = int(values[HEAD - 1]) if values.size >= HEAD and np.isfinite(values[:HEAD]).all() else -1
    if not 0 < channels <= values.size - HEAD:
        raise AcquisitionError(
            f"{pv} has {values.size} numbers and no complete exposure: nothing has been counted yet, or its database "
            f"has "
            "another layout. Check it if this repeats."
        )
    counts = values[HEAD : HEAD + channels]
    if (counts < 0).any() or not np.isfinite(counts).all():
        raise AcquisitionError(f"{pv} holds counts that are negative or not numbers. Check the database of its IOC.")
    return TimingFrame(
        exposure_id=int(values[0]),
        exposure_s=float(values[1]),
        laser_shutter=int(values[2]),
        sync_pulses=int(values[3]),
        external_trigger=bool(values[4]),
        highest=int(values[5]),
        bin_ps=float(values[6]),
        counts=counts.astype(np.int64),
    )


class TimingElectronics(OwnDetector):
    """Histograms of the delay between laser pulse and photon, in the records of the public PicoHarp support.

    `facts` are what start documents state of detector and electronics, by key: `detector_um`, `time_zero_ps` by trigger
    source, `response`, `electronics`, `excitation`, `magnification`. `dark_rate_hz` is used until one is measured.
    An exposure is bad above `count_share_high` photons per pulse, or with more than `channel_high` counts in a channel.
    Plans refuse to give a spot more than `dose_limit_nw_s`; `doses` are those of the spots of this session.
    """

    # Each calibration is a mapping as its run has given it: values with their errors and units in the keys, `run`, and
    # `measured_s`, when that was. Empty ones were never measured; the configured facts count until then.

    time_ms = Cpt(EpicsSignal, "TIME", kind="omitted")
    time_readback = Cpt(FreshSignalRO, "TIME", kind="omitted")
    resolution = Cpt(FreshSignalRO, "RESOLUTION", kind="omitted")
    count = Cpt(EpicsSignal, "Start", kind="omitted")
    counting = Cpt(FreshSignalRO, "Acquiring", kind="omitted")
    frame = Cpt(FreshSignalRO, "Frame", kind="omitted")

    def __init__(
        self,
        prefix: str,
        *,
        name: str,
        facts: Mapping[str, Any],
        dark_rate_hz: float,
        count_share_high: float = 0.05,
        channel_high: int = 59_000,
        dose_limit_nw_s: float = math.inf,
        **kwargs: Any,
    ) -> None:
        self.facts = dict(facts)
        self.calibrations = {name: {} for name in (*TIMINGS.values(), *CENTRES.values(), DARK, FOCUS)}
        self._configured_dark_hz = dark_rate_hz
        self.count_share_high = count_share_high
        self.channel_high = channel_high
        self.doses = SpotDoses(limit_nw_s=dose_limit_nw_s)
        self._bin_ps = math.nan
        self._dwell_s = math.nan
        self._armed_after = -1
        self._latest: TimingFrame | None = None
        # Not that of the scalers, whose PVs come from the table [exposure].
        Device.__init__(self, prefix, name=name, **kwargs)

    @property
    def modes(self) -> tuple[Any, ...]:
        """Detector of the fluorescence, as start documents name it."""
        return ("tcspc",)

    @property
    def counts_source(self) -> str:
        """Name of the PV with the histogram."""
        return str(self.frame.pvname)

    @property
    def latest(self) -> TimingFrame:
        """Exposure read last; raises AcquisitionError before the first."""
        if self._latest is None:
            raise AcquisitionError(f"{self.name} has read no exposure yet. Trigger one first.")
        return self._latest

    def read_bin_ps(self) -> float:
        """Return the width of a channel, ps; raises NotConnectedError if its PV does not answer."""
        self._bin_ps = float(read_together({"bin": self.resolution})["bin"])
        return self._bin_ps

    def channels_at(self, rate_mhz: float) -> int:
        """Return the channels of one pump period at a rate, MHz, of the width read last; 0 if none was read."""
        if not (rate_mhz > 0 and self._bin_ps > 0):
            return 0
        return min(int(1e6 / rate_mhz / self._bin_ps + 1e-9), int(self.facts["electronics"]["channels"]))

    @property
    def dark_rate_hz(self) -> float:
        """Rate without laser light, Hz: measured, or configured before the first measurement."""
        return float(self.calibrations[DARK].get("rate_hz", self._configured_dark_hz))

    @property
    def dark_rate_error_hz(self) -> float:
        """Error of the dark rate, Hz; 0 for a configured one."""
        return float(self.calibrations[DARK].get("error_hz", 0.0))

    @property
    def centre_um(self) -> dict[str, float]:
        """Centre of the image by axis, um: as measured, 0 before."""
        return {axis: float(self.calibrations[name].get("value_um", 0.0)) for axis, name in CENTRES.items()}

    def set_dwell(self, dwell_s: float) -> None:
        """Set the time of an exposure, s; raises AcquisitionError if it stays at another one."""
        put_and_wait(self.time_ms, 1e3 * dwell_s)
        time_ms = float(read_together({"time": self.time_readback})["time"])
        if not math.isclose(time_ms, 1e3 * dwell_s, rel_tol=1e-6):
            raise AcquisitionError(
                f"{self.time_ms.pvname} stays at {time_ms:g} ms, wanted {1e3 * dwell_s:g} ms. Check its access rights."
            )

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signal of the frame."""
        return {"frame": self.frame}

    def reading_from(self, readings: Mapping[str, PvReading]) -> ExposureReading:
        """Return the exposure triggered last, and keep it in `latest`; raises AcquisitionError for any other."""
        # The number, the counts and the rest come in one array, so all are of the same exposure.
        frame = parse_timing_frame(readings["frame"].value, self.frame.pvname)
        expected = self._armed_after + 1
        if frame.exposure_id != expected:
            raise AcquisitionError(
                f"Expected exposure {expected}, found {frame.exposure_id} in {self.frame.pvname}. The trigger was "
                "refused, the IOC restarted, or another client is counting; the point is measured again."
            )
        # From here on this exposure counts as read: reading it twice would store it as two points.
        self._armed_after = frame.exposure_id
        self._latest = frame
        # Readers of exposures expect the frame of gated counters; a histogram has no gates, and its counts are in
        # `latest`.
        empty = np.zeros((0, 0), dtype=np.int64)
        spc = SpcFrame(
            exposure_id=frame.exposure_id,
            exposure_s=frame.exposure_s,
            laser_shutter=frame.laser_shutter,
            counts=empty,
            pulses=empty[0:0, 0:0].ravel(),
        )
        return ExposureReading(spc=spc, boxcar=None, i0=0.0, foil=None)

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the photons of the exposure triggered last, for stock plans.

        Raises the same errors as `reading_from`.
        """
        self.reading_from(valid_readings(self.fresh_signals()))
        return {f"{self.name}_counts": {"value": int(self.latest.counts.sum()), "timestamp": time.time()}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of `read`: photons of an exposure."""
        key = {"source": f"PV:{self.counts_source}", "dtype": "integer", "shape": [], "units": "counts"}
        return {f"{self.name}_counts": key}

    def _identity_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signal of the frame, which holds the number of its exposure."""
        return {"frame": self.frame}

    def _remember_identity(self, readings: Mapping[str, PvReading]) -> None:
        # Before its first exposure a frame is shorter than a whole one; its number is 0 then.
        self._armed_after = int(np.asarray(readings["frame"].value, dtype=float)[0])
