"""One point as an event: where the axes are, what the detectors counted, and whether it may be averaged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devices.axes.axis import Axis
from devices.axes.fluence import Fluence
from devices.configuration import QualitySettings
from devices.detectors.further_detectors import FurtherDetectors
from devices.exposure.condition_limits import ANY_POWER_W, Condition, ConditionName
from devices.exposure.conditions import Conditions
from devices.exposure.event_fields import data_key
from devices.exposure.event_reader import EventReader
from devices.exposure.frames import pairs_of
from devices.exposure.gated_detectors import Exposure, ExposureReading
from devices.exposure.life_cycle import ExposureTargets
from devices.laser import Laser
from devices.names import AcquisitionMode, AxisName
from devices.signals.uncached_signal import FreshSignalRO
from devices.surroundings import Surroundings

SATURATED = 0.8
"""Counts per gate opening above which pile-up cannot be corrected: 1.6 photons per pulse, as p = 1 - exp(-n)."""

UNSTEADY_RELATIVE = 0.05
"""Standard error of the boxcar's mean, relative to the mean, that steady light never reaches.

With 30 stray photons per pulse during 1 to 85 % of 6 s it is 0.05 to 0.8 (simulated).
"""

UNSTEADY_STATISTICAL = 20.0
"""The same standard error, relative to that of the number of photons in the gates, that steady light never reaches.

In steady light it is up to 8 (electronic noise of 1.2 photons per gate, 1 ms to 400 s, below and above both edges);
with the stray light above it is 190 to 800.
"""


def is_unsteady(reading: ExposureReading) -> bool:
    """Return whether the boxcar's sub-averages scatter far more than those of steady light.

    Stray light during a part of the exposure makes them scatter, even if it is too short to saturate the gates. Always
    False without a boxcar, as nothing else shows such light.
    """
    # The boxcar reports, for each probe, the mean of the dwell and the variance of that mean from 64 sub-averages. In
    # steady light the standard error is near that of counting as many photons as the gates did, whatever the dwell.
    # Two limits are needed: in long exposures the statistical error vanishes, and slow drifts of the jet dominate,
    # which the relative limit allows; in short or weak exposures counting statistics alone exceed the relative limit.
    # At least one photon: without light the expected error has no meaning, and the division would fail.
    if reading.boxcar is None:
        return False
    photons = np.maximum(reading.spc.counts.sum(axis=0), 1)
    error = np.sqrt(reading.boxcar.variance)
    allowed = np.abs(reading.boxcar.mean) * np.maximum(UNSTEADY_RELATIVE, UNSTEADY_STATISTICAL / np.sqrt(photons))
    return bool(np.any(error > allowed))


@dataclass(frozen=True, kw_only=True)
class PointDevices:
    """The devices of a point of the pumped jet; `injecting` is 1 while the ring is being filled.

    `further` are the detectors alongside the exposure, `conditions` those of the configuration.
    """

    axes: Mapping[str, Axis]
    exposure: Exposure
    laser: Laser
    surroundings: Surroundings
    injecting: FreshSignalRO | None = None
    further: FurtherDetectors | None = None
    conditions: Sequence[Condition] = ()


def conditions_of(
    devices: PointDevices, quality: QualitySettings, on_failure: Callable[[], None] | None = None
) -> Conditions:
    """Return the conditions of a good point, in the units of their PVs.

    A failing one calls `on_failure`, which by default ends the running exposure.
    """
    return Conditions(
        devices.laser,
        devices.surroundings,
        quality,
        devices.injecting,
        on_failure=devices.exposure.cut_short if on_failure is None else on_failure,
        further=devices.conditions,
    )


class PointReader(EventReader):
    """Reader of everything that belongs to one exposure of the pumped jet, in a single round trip.

    `pulses_per_s` is the number of pump pulses, and so of openings of each gate, per second.
    """

    def __init__(
        self,
        devices: PointDevices,
        *,
        quality: QualitySettings | None = None,
        pulses_per_s: float = 1e12 / 767_000,
    ) -> None:
        quality = QualitySettings() if quality is None else quality
        exposure = devices.exposure
        self._surroundings = devices.surroundings
        self._power: FreshSignalRO | None = devices.laser.power
        self._settings = quality
        self._further = devices.further or FurtherDetectors((), exposure.settings)
        self._pulses_per_s = pulses_per_s
        conditions = conditions_of(devices, quality)
        super().__init__("point", devices.axes, exposure, conditions, quality)
        self._signals = {**self._all_signals(), **self._surroundings_signals()}

    @property
    def further_fields(self) -> dict[str, dict[str, str]]:
        """Event fields of each detector alongside the exposure that takes part in the run, by quantity."""
        return self._further.event_fields()

    def start_run(self, needed: frozenset[str]) -> None:
        """Begin a new run, as every reader does, and find out which further detectors answer; raises nothing."""
        super().start_run(needed)
        self._further.begin_run()

    def _started_with(self) -> tuple[Any, ...]:
        return self._further.triggered(self._exposure.dwell_s + self._exposure.settings.margin_s)

    @property
    def _can_begin_ahead(self) -> bool:
        # Further detectors hold the counts of one exposure only.
        return not self._further.names and super()._can_begin_ahead

    def _request_further(self) -> None:
        # The requests of all leave before the first answer is awaited, so further detectors cost no round trip.
        self._further.request()

    def _read(self) -> dict[str, dict[str, Any]]:
        raw = self._answers()
        reading = self._exposure_reading(raw)
        beside, missing = self._further.fields(raw["elapsed"])
        now = time.time()
        positions = self._positions(raw)
        values = self._indices() | positions | counted_values(reading) | beside | self._slow(raw)
        values["quality"] = ",".join(self._quality(raw, reading))
        self.marks += missing
        values["marks"] = ",".join(self.marks)
        return {name: {"value": value, "timestamp": now} for name, value in values.items()}

    def _surroundings_signals(self) -> dict[str, FreshSignalRO]:
        around = self._surroundings
        found = {
            "ring_current_ma": around.ring_current,
            "jet_flow_ml_min": around.jet_flow,
            "temperature_c": around.jet_temperature,
            "laser_power_w": self._power,
        }
        return {key: signal for key, signal in found.items() if signal is not None}

    def _power_w(self, targets: ExposureTargets) -> tuple[float, float]:
        """Return the lowest and highest reading of the power meter, before the shutter, that fit the fluence, W."""
        fluence = targets.positions.get(AxisName.FLUENCE, 0.0)
        attenuator = self._axes.get(AxisName.FLUENCE)
        if fluence < self._settings.laser_power_from_mj_cm2 or not isinstance(attenuator, Fluence):
            return ANY_POWER_W
        # The meter stands before the shutter, so the check works with the laser blocked, too. The lowest fluences are
        # excluded: there the noise of the meter exceeds the tolerance. mJ/cm2 times cm2 is the energy of a pulse in mJ;
        # times the pulses per second it is the power.
        wanted_w = fluence * 1e-3 * attenuator.spot_area_cm2 * self._pulses_per_s
        off_w = wanted_w * self._settings.laser_power_tolerance
        return wanted_w - off_w, wanted_w + off_w

    def _counting_remarks(self, reading: ExposureReading) -> dict[str, str]:
        """Return remarks on saturated gates, gates that did not open, and light that changed during the exposure."""
        spc = reading.spc
        needed = self._needed
        remarks = super()._counting_remarks(reading)
        if not spc.counts.size:
            return remarks
        if ConditionName.GATES_SATURATED in needed and np.any((spc.counts > SATURATED * spc.pulses) & (spc.pulses > 0)):
            remarks["gates_saturated"] = f"gates_saturated: {spc.counts.max()} counts in {spc.pulses.min()} gates"
        if ConditionName.BOXCAR_UNSTEADY in needed and is_unsteady(reading):
            remarks["boxcar_unsteady"] = "boxcar_unsteady: its sub-averages scatter as if the light had changed"
        # The number of openings follows from the time and the pump rate. One opening may be missing, as the exposure
        # begins and ends between two pumps; more means lost triggers.
        expected = spc.exposure_s * self._pulses_per_s * self._exposure.settings.diodes_per_channel
        if (
            ConditionName.GATES_LOST in needed
            and spc.pulses.min() < expected * (1 - self._settings.gates_tolerance) - 1
        ):
            remarks["gates_lost"] = f"gates_lost: {spc.pulses.min()} gates opened of {expected:.0f}"
        return remarks

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys with their shapes, units and the PVs behind them."""
        settings = self._exposure.settings
        keys = {key: next(iter(axis.describe().values())) for key, axis in self._axes.items()}
        keys |= {name: data_key("integer", source="trxas") for name in ("scan_index", "point_index")}
        keys |= _counted_keys(self._exposure, settings.apds, settings.probes) | self._further.describe()
        units = {"ring_current_ma": "mA", "jet_flow_ml_min": "ml/min", "temperature_c": "C", "laser_power_w": "W"}
        keys |= {
            key: data_key("number", units=units[key], source=signal.pvname)
            for key, signal in self._surroundings_signals().items()
        }
        keys |= {name: data_key("string", source="trxas") for name in ("quality", "marks")}
        return keys


def counted_values(reading: ExposureReading) -> dict[str, Any]:
    """Return the event fields of what an exposure counted.

    Counts have the shape (apd, probe), pulses and volts (probe,); I0 in counts, times in s.
    """
    spc = reading.spc
    boxcar = reading.boxcar
    analog = {}
    if boxcar is not None:
        analog = {"boxcar_mean": boxcar.mean, "boxcar_variance": boxcar.variance}
        if boxcar.covariance.size:
            analog["boxcar_covariance"] = boxcar.covariance
    return {
        "laser_shutter": spc.laser_shutter,
        **({"spc_counts": spc.counts, "spc_pulses": spc.pulses} if spc.counts.size else {}),
        **analog,
        "i0": reading.i0,
        **({} if reading.foil is None else {"foil": reading.foil}),
        "exposure_s": spc.exposure_s,
        "exposure_id": spc.exposure_id,
    }


def _counted_keys(exposure: Exposure, apds: int, probes: int) -> dict[str, dict[str, Any]]:
    spc = exposure.counts_source
    integers = "<i8"
    analog = {}
    if AcquisitionMode.BOXCAR in exposure.modes:
        source = exposure.boxcar_frame.pvname
        analog = {
            name: data_key("array", source=source, shape=[probes], units=units, dtype_numpy="<f8")
            for name, units in (("boxcar_mean", "V"), ("boxcar_variance", "V2"))
        }
        if pairs := pairs_of(probes):
            analog["boxcar_covariance"] = data_key("array", source=source, shape=[pairs], units="V2", dtype_numpy="<f8")
    counts = {
        "spc_counts": data_key("array", source=spc, shape=[apds, probes], units="counts", dtype_numpy=integers),
        "spc_pulses": data_key("array", source=spc, shape=[probes], units="pulses", dtype_numpy=integers),
    }
    foil = {}
    if exposure.foil is not None:
        foil = {"foil": data_key("number", source=exposure.foil.pvname, units="counts")}
    return {
        "laser_shutter": data_key("integer", source=spc),
        **(counts if apds else {}),
        **analog,
        "i0": data_key("number", source=exposure.i0.pvname, units="counts"),
        **foil,
        "exposure_s": data_key("number", source=spc, units="s"),
        "exposure_id": data_key("integer", source=spc),
    }
