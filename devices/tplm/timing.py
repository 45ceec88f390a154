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
from ophyd.status import DeviceStatus

from devices.configuration import QualitySettings
from devices.exposure.event_reader import EventReader
from devices.exposure.frames import SpcFrame
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.own_detector import OwnDetector
from devices.exposure.point_reader import PointDevices
from devices.signals.move_status import MoveStatus, finish
from devices.signals.uncached_signal import (
    FreshSignalRO,
    PvReading,
    put_and_wait,
    put_with_completion,
    read_together,
    valid_readings,
)
from devices.types import IntArray
from errors import AcquisitionError

HEAD = 8
"""Numbers of a frame before its counts."""

IDLE_POLL_S = 0.01
"""Time between two checks whether counting has ended, s."""


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
            f"{pv} has {values.size} numbers and no whole exposure: nothing was counted yet, or its database has "
            "another layout. Check it if this repeats."
        )
    counts = values[HEAD : HEAD + channels]
    if (counts < 0).any() or not np.isfinite(counts).all():
        raise AcquisitionError(f"{pv} holds counts below 0 or that are not numbers. Check the database of its IOC.")
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


class PhotonTiming(OwnDetector):
    """Histograms of the delay between laser pulse and photon, in the records of the public PicoHarp support.

    `facts` are what start documents state of detector and electronics, by key: `detector_um`, `time_zero_ps` by trigger
    source, `response`, `electronics`, `excitation`, `magnification`. `dark_rate_hz` is used until one is measured.
    An exposure is bad above `count_share_high` photons per pulse, or with more than `channel_high` counts in a channel.
    """

    # As with the scalers, `_armed_after` is the number of the last exposure that was read, stopped or found at
    # preparation: the next trigger must produce exactly the number after it. Any other number means a refused trigger,
    # a restarted IOC, or another client that counts.

    time_ms = Cpt(EpicsSignal, "TIME", kind="omitted")
    time_readback = Cpt(FreshSignalRO, "TIME", kind="omitted")
    resolution = Cpt(FreshSignalRO, "RESOLUTION", kind="omitted")
    start = Cpt(EpicsSignal, "Start", kind="omitted")
    acquiring = Cpt(FreshSignalRO, "Acquiring", kind="omitted")
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
        **kwargs: Any,
    ) -> None:
        self.facts = dict(facts)
        self.dark_rate_hz = dark_rate_hz
        self.dark_rate_error_hz = 0.0
        self.count_share_high = count_share_high
        self.channel_high = channel_high
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
        return float(read_together({"bin": self.resolution})["bin"])

    def reader(self, devices: PointDevices, quality: QualitySettings) -> EventReader:
        """Return the reader of its exposures, with axes and conditions among `devices`."""
        from devices.tplm.reader import HistogramReader

        return HistogramReader(devices, self, quality)

    def check_idle(self) -> None:
        """Raise AcquisitionError if it counts: another client uses the detector."""
        if int(read_together({"acquiring": self.acquiring})["acquiring"]):
            raise AcquisitionError(
                f"{self.acquiring.pvname} shows that photons are counted already. Wait until that ends, or write 0 to "
                f"{self.start.pvname}; then start the plan again."
            )

    def prepare(self, dwell_s: float) -> None:
        """Set the dwell, s, and remember the last exposure's number; needed once before a series of triggers.

        Raises AcquisitionError if the electronics are busy or do not accept the dwell.
        """
        self.check_dwell(dwell_s)
        self.check_idle()
        put_and_wait(self.time_ms, 1e3 * dwell_s)
        readings = valid_readings({"time": self.time_readback, "frame": self.frame})
        if not math.isclose(float(readings["time"].value), 1e3 * dwell_s, rel_tol=1e-6):
            raise AcquisitionError(
                f"{self.time_ms.pvname} stays at {readings['time'].value} ms, wanted {1e3 * dwell_s:g} ms. Check its "
                "access rights."
            )
        self._remember(readings["frame"])
        self._dwell_s = dwell_s

    def trigger(self) -> DeviceStatus:
        """Start one exposure; the status is done when its frame is published.

        Raises AcquisitionError before the first `prepare`.
        """
        if math.isnan(self._dwell_s):
            raise AcquisitionError("The detector has no dwell yet. Call prepare(dwell_s) before trigger().")
        what = f"an exposure of {self._dwell_s:g} s"
        timeout_s = self._dwell_s + self._settings.margin_s
        status = MoveStatus(self, what=what, pvs=[self.start.pvname], timeout_s=timeout_s)
        put_with_completion(self.start, 1, lambda **_: finish(status))
        return status

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signal of the frame."""
        return {"frame": self.frame}

    def reading_from(self, readings: Mapping[str, PvReading]) -> ExposureReading:
        """Return the exposure triggered last, and keep it in `latest`; raises AcquisitionError for any other."""
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
        """Return the photons of the exposure triggered last, for stock plans; raises as `reading_from`."""
        self.reading_from(valid_readings(self.fresh_signals()))
        return {f"{self.name}_counts": {"value": int(self.latest.counts.sum()), "timestamp": time.time()}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of `read`: photons of an exposure."""
        key = {"source": f"PV:{self.counts_source}", "dtype": "integer", "shape": [], "units": "counts"}
        return {f"{self.name}_counts": key}

    def cut_short(self) -> None:
        """End a running exposure that is spoilt already, without waiting; its frame is published as usual.

        Raises NotConnectedError if the connection breaks at this moment.
        """
        if self.start.connected:
            put_with_completion(self.start, 0, lambda **_: None)

    def stop(self, *, success: bool = False) -> None:
        """End a running exposure and forget it: the next trigger counts from its number.

        Raises AcquisitionError if counting does not end.
        """
        if not self.connected:
            return
        if int(read_together({"acquiring": self.acquiring})["acquiring"]):
            put_with_completion(self.start, 0, lambda **_: None)
            self._wait_idle()
        self._remember(valid_readings({"frame": self.frame})["frame"])

    def _wait_idle(self) -> None:
        deadline = time.monotonic() + self._settings.margin_s
        while int(read_together({"acquiring": self.acquiring})["acquiring"]):
            if time.monotonic() > deadline:
                raise AcquisitionError(
                    f"{self.acquiring.pvname} still counts {self._settings.margin_s:g} s after it was stopped. "
                    "Restart its IOC."
                    "Restart its IOC."
                )
            time.sleep(IDLE_POLL_S)

    def _remember(self, frame: PvReading) -> None:
        # Before its first exposure a frame is shorter than a whole one; its number is 0 then.
        self._armed_after = int(np.asarray(frame.value, dtype=float)[0])
