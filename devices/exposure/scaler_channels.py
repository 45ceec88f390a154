"""Counts from the channels of a plain scaler record, which carries no number of its exposure.

One rule takes the place of that number. EPICS processes a record as a whole, and all fields that this sets carry one
time stamp. So the channels of a scaler belong to one exposure if their stamps are equal, to a new one if the stamp is
later than that before the trigger, and two scalers counted together if their clocks agree and their stamps lie close
together. Anything else is refused, and the point is measured again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from ophyd import FormattedComponent as FCpt

from devices.configuration import BeamlineConfiguration, ExposureSettings
from devices.exposure.frames import SpcFrame
from devices.exposure.gated_detectors import (
    ELAPSED_TOLERANCE,
    Exposure,
    ExposureReading,
    exposure_class,
    number_or_none,
)
from devices.names import AcquisitionMode
from devices.shutter import ShutterCode
from devices.signals.uncached_signal import FreshSignalRO, PvReading, follow
from errors import AcquisitionError

MASTER = ("elapsed", "i0", "foil")
"""Attributes of the fields of the master scaler."""

COUNTER_CLOCK = "counted_s"
"""Attribute of the elapsed time of the scaler with the gates."""


class Stamps(NamedTuple):
    """Time stamps of both scaler records, s since the epoch by the clocks of their IOCs."""

    master: float
    counter: float


class ScalerExposure(Exposure):
    """Exposure whose gates are channels of a scaler record, started by the master; there is no boxcar.

    Gates opened are counted on a channel of their own, or follow from the time and the pump rate. The state of the
    laser shutter is that of its read-back, which is followed during the exposure. `scaler_exposure_class` adds a
    component for each channel.
    """

    # The trigger forgets which states of the shutter the exposure before has seen.
    counts_ahead: ClassVar[bool] = False

    spc_frame = None
    boxcar_frame = None
    counted_s = FCpt(FreshSignalRO, "{_prefix}{_settings.gate_scaler}.T", kind="omitted")
    shutter = FCpt(FreshSignalRO, "{_prefix}{_shutter_pv}", auto_monitor=True, kind="omitted")

    def __init__(
        self, settings: ExposureSettings, *, pumps_per_s: float, shutter_pv: str, prefix: str, name: str
    ) -> None:
        self._pumps_per_s = pumps_per_s
        self._shutter_pv = shutter_pv
        self._before = Stamps(0.0, 0.0)
        self._shutter_seen: set[float] = set()
        self._following = False
        super().__init__(settings, prefix=prefix, name=name)

    @property
    def modes(self) -> tuple[AcquisitionMode, ...]:
        """Photon counting alone; empty if all fluorescence detectors are read alongside the exposure."""
        return (AcquisitionMode.SPC,) if self._settings.spc_channels else ()

    @property
    def counts_source(self) -> str:
        """Name of the scaler record with the gates."""
        return f"{self._prefix}{self._settings.gate_scaler}"

    def trigger(self) -> Any:
        """Start one exposure, and follow the laser shutter during it; raises the same errors as `Exposure.trigger`."""
        if self.shutter is not None:
            self._follow_shutter(self.shutter)
        return super().trigger()

    def _follow_shutter(self, shutter: FreshSignalRO) -> None:
        if not self._following:
            follow(shutter, self._shutter_seen.add)
            self._following = True
        self._shutter_seen.clear()
        self._shutter_seen.add(float(shutter.get()))

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the signals of an exposure's results, by attribute name, for reading them together with others."""
        channels = [_attribute(channel) for channel in channels_of(self._settings)]
        found = {name: getattr(self, name) for name in (*MASTER, COUNTER_CLOCK, "shutter", *channels)}
        return {name: signal for name, signal in found.items() if signal is not None}

    def reading_from(self, readings: Mapping[str, PvReading]) -> ExposureReading:
        """Return the exposure triggered last; raises AcquisitionError for values of another or of two exposures."""
        stamps = self._stamps(readings)
        counted_s = float(readings[COUNTER_CLOCK if COUNTER_CLOCK in readings else "elapsed"].value)
        self._check_new(stamps, counted_s, float(readings["elapsed"].value))
        self._before = stamps
        rows = self._settings.spc_channels
        counts = np.array([[readings[_attribute(channel)].value for channel in row] for row in rows], dtype=float)
        counts = counts if rows else np.zeros((0, self._settings.probes))
        if not np.isfinite(counts).all() or (counts < 0).any() or (counts != np.floor(counts)).any():
            raise AcquisitionError(
                f"{self.counts_source} holds counts that are not whole numbers: {counts.tolist()}. "
                "Check the database of its IOC."
            )
        # Without a shutter the laser is always on.
        shutter = float(readings["shutter"].value) if "shutter" in readings else float(ShutterCode.OPEN)
        # A channel that adds up several photodiodes can count as often per pulse.
        pulses = self._openings(readings, counted_s) * self._settings.diodes_per_channel
        spc = SpcFrame(
            exposure_id=int(1e3 * stamps.counter),
            exposure_s=counted_s,
            laser_shutter=int(shutter) if self._shutter_seen <= {shutter} else int(ShutterCode.MOVED),
            counts=counts.astype(np.int64),
            pulses=np.full(counts.shape[1], pulses, dtype=np.int64),
        )
        foil = number_or_none({key: reading.value for key, reading in readings.items()}, "foil")
        return ExposureReading(spc=spc, boxcar=None, i0=float(readings["i0"].value), foil=foil)

    def _openings(self, readings: Mapping[str, PvReading], counted_s: float) -> int:
        """Return how often each gate opened in `counted_s` seconds."""
        if self._settings.openings_channel:
            return int(readings[_attribute(self._settings.openings_channel)].value)
        return math.floor(counted_s * self._pumps_per_s)

    def _identity_signals(self) -> dict[str, FreshSignalRO]:
        return self.fresh_signals()

    def _remember_identity(self, readings: Mapping[str, PvReading]) -> None:
        # Records that have not counted since their IOC started have fields of different ages; the latest counts.
        master = max(readings[name].stamp_s for name in MASTER if name in readings)
        counter = [reading.stamp_s for name, reading in readings.items() if name not in (*MASTER, "shutter")]
        self._before = Stamps(master, max(counter, default=master))

    def _stamps(self, readings: Mapping[str, PvReading]) -> Stamps:
        """Return the one stamp of each record; raises AcquisitionError if a record's fields have several."""
        master = {readings[name].stamp_s for name in MASTER if name in readings}
        counter = {reading.stamp_s for name, reading in readings.items() if name not in (*MASTER, "shutter")}
        counter = counter or set(master)
        for pv, found in ((self.elapsed.pvname.removesuffix(".T"), master), (self.counts_source, counter)):
            if len(found) != 1:
                raise AcquisitionError(
                    f"The channels of {pv} carry {len(found)} time stamps, {max(found) - min(found):.3g} s apart: "
                    "they are not from one exposure. Another client is counting, or the IOC restarted; the point "
                    "is measured again."
                )
        return Stamps(master.pop(), counter.pop())

    def _check_new(self, stamps: Stamps, counted_s: float, elapsed_s: float) -> None:
        for pv, stamp, before in (
            (self.elapsed.pvname.removesuffix(".T"), stamps.master, self._before.master),
            (self.counts_source, stamps.counter, self._before.counter),
        ):
            if stamp <= before:
                raise AcquisitionError(
                    f"{pv} still holds the counts of an earlier exposure. The trigger was refused, or the scaler is "
                    "not started by the master; the point is measured again."
                )
        if not math.isclose(counted_s, elapsed_s, rel_tol=ELAPSED_TOLERANCE):
            raise AcquisitionError(
                f"{self.counts_source} counted {counted_s:g} s, {self.elapsed.pvname} {elapsed_s:g} s: they are not "
                "from one exposure. Another client is counting; the point is measured again."
            )
        # A count of its own that another client started on the scaler with the gates ends at least one dwell later.
        allowed_s = max(elapsed_s / 2, self._settings.stamp_tolerance_s)
        if abs(stamps.counter - stamps.master) > allowed_s:
            raise AcquisitionError(
                f"{self.counts_source} and its master ended {abs(stamps.counter - stamps.master):.3g} s apart, more "
                f"than {allowed_s:.3g} s: they are not from one exposure. Another client is counting, or the clocks "
                "of the IOCs differ; set them with NTP, or raise stamp_tolerance_s in [exposure]."
            )


def scaler_exposure_class(settings: ExposureSettings, *, with_shutter: bool = True) -> type[ScalerExposure]:
    """Return the class of the exposure with a component for each of `settings.spc_channels`, and for the shutter."""
    # ophyd declares components in the class, and the channels are known only from the file: hence a class per file.
    channels = channels_of(settings)
    components: dict[str, Any] = {
        _attribute(channel): FCpt(FreshSignalRO, f"{{_prefix}}{{_settings.gate_scaler}}.S{channel}", kind="omitted")
        for channel in sorted(channels)
    }
    if not channels:
        components[COUNTER_CLOCK] = None
    if not settings.foil_channel:
        components["foil"] = None
    if not with_shutter:
        components["shutter"] = None
    return type("ScalerExposure", (ScalerExposure,), components)


def channels_of(settings: ExposureSettings) -> set[int]:
    """Return the channels that are read of the scaler with the gates: of each gate, and of the openings."""
    gates = {channel for row in settings.spc_channels for channel in row}
    return gates | {settings.openings_channel} if gates and settings.openings_channel else gates


def exposure_device(configuration: BeamlineConfiguration, prefix: str) -> Exposure:
    """Return the gated detectors: with frames, or with the gates on channels of a scaler."""
    settings = configuration.exposure
    if settings.spc_frame:
        return exposure_class(settings)(settings, prefix=prefix, name="exposure")
    shutter_pv = configuration.laser.shutter_readback
    pumps_per_s = configuration.scheme.pumps_per_s
    made = scaler_exposure_class(settings, with_shutter=bool(shutter_pv))
    return made(settings, pumps_per_s=pumps_per_s, shutter_pv=shutter_pv, prefix=prefix, name="exposure")


def _attribute(channel: int) -> str:
    return f"channel_{channel}"
