"""One exposure of the microscope as an event: the histogram, the axes, and the remarks that make a point bad."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from ophyd.status import StatusBase

from devices.configuration import QualitySettings
from devices.exposure.event_fields import Raw, data_key
from devices.exposure.event_reader import EventReader
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.point_reader import PointDevices, conditions_of
from devices.shutter import CLOSED
from devices.signals.pausing import failures_logged
from devices.signals.uncached_signal import require_valid, served_number
from devices.tplm.spectrograph import Spectrograph

if TYPE_CHECKING:
    from devices.tplm.timing_electronics import TimingElectronics, TimingFrame

RATE = "repetition_rate_mhz"
"""Event field of the repetition rate."""

SYNC_TOLERANCE = 0.01
"""Largest relative difference between the laser pulses that were counted and those that the set rate gives."""

STAGES = {"stage_x_mm": "x_um", "stage_y_mm": "y_um"}
"""Event fields of the detector's stage as it is read, by the axis that it moves."""

HERTZ = ("sync_rate_hz", "count_rate_hz", "dark_rate_hz")


class HistogramReader(EventReader):
    """Reader of the axes and the histogram, in a single round trip."""

    def __init__(self, devices: PointDevices, timing: TimingElectronics, quality: QualitySettings) -> None:
        super().__init__("point", devices.axes, timing, conditions_of(devices, quality), quality)
        self._timing = timing
        self._signals = self._all_signals()
        self._with_camera = functools.cache(lambda camera: SpectrumReader(devices, timing, quality, camera))

    def with_camera(self, camera: Spectrograph) -> SpectrumReader:
        """Return the reader of exposures that a camera takes together with the photon timing, always the same one."""
        # One reader for all runs, because it follows monitors of the axes from its first exposure on.
        return self._with_camera(camera)

    def _read(self) -> dict[str, dict[str, Any]]:
        # One round trip for everything, so that axes and conditions are those of the moment of the counts.
        raw = self._answers()
        reading = self._exposure_reading(raw)
        frame = self._timing.latest
        counted = self._counted(frame, raw)
        failed = self._quality(raw, reading)
        values = self._indices() | self._positions(raw) | counted | self._stages(raw)
        self._add_dose(values)
        values["quality"] = ",".join(failed)
        values["marks"] = ",".join(self.marks)
        now = time.time()
        return {name: {"value": value, "timestamp": now} for name, value in values.items()}

    def _add_dose(self, values: Mapping[str, Any]) -> None:
        """Add the dose of the exposure to that of the lit spot, also if the exposure is bad."""
        if values["laser_shutter"] == CLOSED:
            return
        place = (values.get("piezo_x_um", 0.0), values.get("piezo_y_um", 0.0))
        self._timing.doses.add(place, values.get("laser_power_nw", 0.0) * values["exposure_s"])

    def _counted(self, frame: TimingFrame, raw: Raw) -> dict[str, Any]:
        return {
            "tcspc_counts": self._whole_period(frame),
            "bin_ps": frame.bin_ps,
            "sync_pulses": frame.sync_pulses,
            "sync_rate_hz": frame.sync_pulses / frame.exposure_s if frame.exposure_s else 0.0,
            "count_rate_hz": float(frame.counts.sum()) / frame.exposure_s if frame.exposure_s else 0.0,
            "highest_channel": frame.highest,
            "trigger_source": "external" if frame.external_trigger else "internal",
            "dark_rate_hz": self._timing.dark_rate_hz,
            "laser_shutter": frame.laser_shutter,
            "exposure_s": frame.exposure_s,
            "exposure_id": frame.exposure_id,
        }

    def _whole_period(self, frame: TimingFrame) -> NDArray[np.uint32]:
        """Return the counts in as many channels as every histogram of the run has."""
        # The laser at another rate gives another number of channels. Such an exposure is bad, but it is stored, and a
        # run with arrays of two lengths could not be: the whole map would be missing from the catalogue.
        counts = np.zeros(self._channels(), dtype=np.uint32)
        kept = min(len(counts), len(frame.counts))
        counts[:kept] = frame.counts[:kept]
        return counts

    def _channels(self) -> int:
        """Return the channels of one period at the rate that the plan has set, otherwise those of the last frame."""
        rate_mhz = self._life.targets.positions.get(RATE)
        return (self._timing.channels_at(rate_mhz) if rate_mhz else 0) or len(self._timing.latest.counts)

    def _stages(self, raw: Raw) -> dict[str, float]:
        """Return the positions of the detector's stage as read, mm."""
        found = {}
        for field, axis in STAGES.items():
            key = f"{axis}.readback"
            found[field] = served_number(self._signals[key].pvname, raw[key])
        return found

    def _counting_remarks(self, reading: ExposureReading) -> dict[str, str]:
        """Return remarks on pulses that are missing, on pile-up, and on full channels."""
        remarks = super()._counting_remarks(reading)
        frame = self._timing.latest
        rate_mhz = self._life.targets.positions.get(RATE)
        # Pulses are counted by the electronics themselves, so they prove the rate over the whole exposure: a laser that
        # stopped for a second, or a divider that lost pulses, shows here and nowhere else.
        expected = frame.exposure_s * 1e6 * rate_mhz if rate_mhz else 0.0
        if expected and abs(frame.sync_pulses / expected - 1) > SYNC_TOLERANCE:
            remarks["sync_rate"] = f"sync_rate: {frame.sync_pulses} laser pulses were counted of {expected:.0f}"
        if len(frame.counts) != self._channels():
            remarks["channels"] = (
                f"channels: the histogram has {len(frame.counts)}, one period has {self._channels()}; the repetition "
                "rate or the width of a channel was changed"
            )
        # Pile-up is corrected in the reduction, to first order exactly; far above the limit the correction itself rests
        # on the dead time, which is known to some per cent only.
        photons = int(frame.counts.sum())
        most = self._timing.count_share_high * frame.sync_pulses
        if photons > most:
            share = f"{100 * photons / frame.sync_pulses:.2g} %" if frame.sync_pulses else "without pulses"
            remarks["pile_up"] = f"pile_up: {share} photons per pulse, needs at most {self._limit_text()}"
        if frame.highest > self._timing.channel_high:
            remarks["channel_full"] = (
                f"channel_full: {frame.highest} counts in a channel, needs at most {self._timing.channel_high}; "
                "shorten the dwell"
            )
        return remarks

    def _limit_text(self) -> str:
        return f"{100 * self._timing.count_share_high:g} %; use a filter (nd_od) or less power"

    def _flux_remarks(self, reading: ExposureReading, *, others_failed: bool) -> dict[str, str]:
        """Return nothing: there is no ion chamber, and the power of the laser is an axis."""
        return {}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys with their shapes, units and the PVs behind them."""
        source = self._timing.counts_source
        keys = {name: data_key("integer", source="trxas") for name in ("scan_index", "point_index")}
        keys |= {name: next(iter(axis.describe().values())) for name, axis in self._axes.items()}
        keys["tcspc_counts"] = data_key(
            "array", source=source, shape=[self._channels()], units="counts", dtype_numpy="<u4"
        )
        keys |= {name: data_key("number", source=source, units="Hz") for name in HERTZ}
        keys["bin_ps"] = data_key("number", source=source, units="ps")
        keys["exposure_s"] = data_key("number", source=source, units="s")
        keys |= {
            name: data_key("integer", source=source)
            for name in ("sync_pulses", "highest_channel", "laser_shutter", "exposure_id")
        }
        keys |= {
            field: data_key("number", source=self._signals[f"{axis}.readback"].pvname, units="mm")
            for field, axis in STAGES.items()
        }
        keys |= {name: data_key("string", source=source) for name in ("trigger_source", "quality", "marks")}
        return keys

    @property
    def hints(self) -> dict[str, list[str]]:
        """Fields of bluesky's live table: photons per second."""
        return {"fields": ["count_rate_hz"]}


COUNTS_ALONE = ("tcspc_counts", "bin_ps", "highest_channel")
"""Fields of a histogram that an exposure of the camera does not have."""


class SpectrumReader(HistogramReader):
    """Reader of a spectrum with the axes; the photon timing counts as well, and verifies pulses and shutter."""

    # The mirror keeps the light from the photon timing, but not the pulses of the laser: their number shows that the
    # laser ran at its rate for the whole exposure, and the frame shows whether the shutter moved. A camera knows
    # neither. The histogram itself holds dark counts and is not stored; their rate shows that the mirror was there.

    def __init__(
        self, devices: PointDevices, timing: TimingElectronics, quality: QualitySettings, camera: Spectrograph
    ) -> None:
        super().__init__(devices, timing, quality)
        self.name = "spectrum_point"
        self._camera = camera
        self._detectors = (timing, camera)
        self._spectrum: dict[str, Any] = {}
        self._signals |= camera.fresh_signals()

    def trigger(self) -> StatusBase:
        """Start the exposure on both detectors; raises AcquisitionError unless it is armed."""
        self._camera.prepare(self._timing.dwell_s)
        return super().trigger()

    def pause(self) -> None:
        """End a running exposure of both detectors; raises nothing but NoReplayAllowed, as every reader does."""
        self._present.read_out.abandon()
        with failures_logged(f"{self._camera.name} was not stopped for the pause"):
            self._camera.stop()
        super().pause()

    def _counted(self, frame: TimingFrame, raw: Raw) -> dict[str, Any]:
        signals = self._camera.fresh_signals()
        for key, signal in signals.items():
            require_valid(signal.pvname, raw[key])
        self._spectrum = self._camera.values({key: raw[key] for key in signals})
        counted = super()._counted(frame, raw)
        return {name: value for name, value in counted.items() if name not in COUNTS_ALONE} | self._spectrum

    def _counting_remarks(self, reading: ExposureReading) -> dict[str, str]:
        """Return the remarks of the photon timing, and one on full columns of the camera."""
        return super()._counting_remarks(reading) | self._camera.remarks(self._spectrum["pl_counts"])

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys with their shapes, units and the PVs behind them."""
        keys = {name: key for name, key in super().describe().items() if name not in COUNTS_ALONE}
        return keys | self._camera.data_keys()
