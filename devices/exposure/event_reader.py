"""One exposure as an event: the part that all readers of exposures have in common.

An event is read only if the frames belong to the exposure that was triggered last. If they do and something was wrong
during it, its field `quality` names that.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ophyd import Device

from devices.axes.axis import Axis
from devices.configuration import QualitySettings
from devices.exposure.condition_limits import ConditionName
from devices.exposure.conditions import Conditions
from devices.exposure.event_fields import Raw, invalid_marks, numbers_from, positions_from
from devices.exposure.exposing_reader import CONDITION, ExposingReader
from devices.exposure.flux import FluxHistory
from devices.exposure.gated_detectors import Exposure, ExposureReading
from devices.shutter import ShutterCode
from devices.signals.uncached_signal import FreshSignalRO, require_valid

SHORTEST = 0.999
"""Fraction of the dwell that an exposure must have counted; less means that it was cut short."""

I0_DIP = "i0_dip"
"""Mark of a good exposure whose I0 is really low, at a glitch of the monochromator."""

DIP_TOLERANCE = 0.1
"""Largest relative difference between I0 and the known I0 of a dip (chosen)."""


class EventReader(ExposingReader, ABC):
    """Reader that makes one exposure and returns it as an event: a bluesky Triggerable and Readable.

    `remarks` states, for every condition that failed in the latest event, the value found and the value needed; `marks`
    lists what is unusual about a good or bad event: a known dip of I0, and every field whose value is not a
    measurement. `i0_per_s` is I0 of the latest event, counts/s.
    """

    def __init__(
        self,
        name: str,
        axes: Mapping[str, Axis],
        exposure: Exposure,
        conditions: Conditions,
        quality: QualitySettings,
        detectors: Sequence[Device] = (),
    ) -> None:
        super().__init__(name, axes, exposure, conditions, detectors)
        self.remarks: dict[str, str] = {}
        self.marks: tuple[str, ...] = ()
        self.i0_per_s = math.nan
        self._flux = FluxHistory(quality.i0_tolerance)

    @property
    def further_fields(self) -> dict[str, dict[str, str]]:
        """Event fields of each detector alongside the exposure that takes part in the run, by quantity; none here."""
        return {}

    @property
    def normal_i0_per_s(self) -> float:
        """I0 of a good exposure of the run, counts/s; NaN before the first."""
        return self._flux.normal

    def start_run(self, needed: frozenset[str]) -> None:
        """Begin a new run, in which the `needed` conditions must hold for a point to be good; raises nothing.

        The normal flux is forgotten: the next run may have another energy, slit or attenuator.
        """
        super().start_run(needed)
        self._flux.reset()

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the event's data.

        Raises AcquisitionError if no exposure has ended, or if the detectors hold an exposure other than the one
        triggered last.
        """
        # Closed before the read-out: an exposure whose read-out fails cannot be read again, only repeated.
        self._life.close()
        is_good = False
        try:
            event = self._read()
            is_good = not event["quality"]["value"]
            return event
        finally:
            if not is_good:
                self.abandon_ahead()

    @abstractmethod
    def _read(self) -> dict[str, dict[str, Any]]:
        """Return the data of the exposure that has ended."""

    @abstractmethod
    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys with their shapes, units and the PVs behind them."""

    def _all_signals(self) -> dict[str, FreshSignalRO]:
        return {**self._exposure.fresh_signals(), **self._axis_signals()}

    def _exposure_reading(self, raw: Raw) -> ExposureReading:
        """Return the counts; raises AcquisitionError for a different exposure or an INVALID alarm."""
        signals = self._exposure.fresh_signals()
        for key, signal in signals.items():
            require_valid(signal.pvname, raw[key])
        return self._exposure.reading_from({key: raw[key] for key in signals})

    def _indices(self) -> dict[str, Any]:
        targets = self._life.targets
        return {"scan_index": targets.scan_index, "point_index": targets.point_index}

    def _positions(self, raw: Raw) -> dict[str, float]:
        """Return the positions by event field, in the units of the axes."""
        return positions_from(self._axes, raw)

    def _surroundings_signals(self) -> dict[str, FreshSignalRO]:
        """Return the PVs of the surroundings by event field, which are their keys among the raw values, too."""
        return {}

    def _slow(self, raw: Raw) -> dict[str, float]:
        """Return the values of the surroundings by event field, in the units of their PVs."""
        return numbers_from(self._surroundings_signals(), raw)

    def _invalid_marks(self, raw: Raw) -> tuple[str, ...]:
        """Return the marks of the fields that hold a value which is not a measurement."""
        return invalid_marks(self._axes, self._surroundings_signals(), raw)

    def _quality(self, raw: Raw, reading: ExposureReading) -> list[str]:
        """Return the names of the conditions that failed; set `remarks` on them, and `marks`."""
        # The monitors show what failed during the exposure; the values just requested show what fails now, in case a
        # monitor has gone silent. The flux comes last: a low I0 is a finding of its own only if nothing else explains
        # it, and only faultless exposures may teach what is normal.
        fresh = {key.removeprefix(CONDITION): raw[key] for key in raw if key.startswith(CONDITION)}
        watch = self._present.conditions
        monitored = watch.end(fresh)
        failed = {name: watch.remark(name, value) for name, value in sorted(monitored.items())}
        failed |= self._shutter_remarks(reading) | self._counting_remarks(reading) | self._astray(raw)
        failed |= self._flux_remarks(reading, others_failed=bool(failed))
        self.remarks = failed
        self.marks = (I0_DIP,) if self._is_known_dip() else ()
        self.marks += self._invalid_marks(raw)
        return list(failed)

    def _shutter_remarks(self, reading: ExposureReading) -> dict[str, str]:
        shutter = reading.spc.laser_shutter
        expected = self._life.targets.laser_shutter
        if shutter != ShutterCode.MOVED and expected in (None, shutter):
            return {}
        states: dict[int, str] = {ShutterCode.MOVED: "moving", ShutterCode.CLOSED: "closed", ShutterCode.OPEN: "open"}
        wanted = "still" if expected is None else states[expected]
        return {"laser_shutter": f"laser_shutter was {states.get(shutter, shutter)}, needs to be {wanted}"}

    def _counting_remarks(self, reading: ExposureReading) -> dict[str, str]:
        """Return remarks on the counting itself: here on its length; subclasses add those on their own detectors."""
        counted_s = reading.spc.exposure_s
        dwell_s = self._wanted_dwell_s()
        if counted_s < SHORTEST * dwell_s:
            return {"exposure_s": f"exposure_s = {counted_s:g} s, needs {dwell_s:g} s"}
        return {}

    def _wanted_dwell_s(self) -> float:
        """Return the dwell that the exposure should have counted, s."""
        return self._exposure.dwell_s

    def _flux_remarks(self, reading: ExposureReading, *, others_failed: bool) -> dict[str, str]:
        seconds = reading.spc.exposure_s
        per_s = reading.i0 / seconds if seconds > 0 else 0.0
        self.i0_per_s = per_s
        if ConditionName.XRAYS_OFF in self._needed:
            return {}  # there is no flux that could be normal
        if self._is_known_dip():
            # Not remembered: the flux is normal again at the next energy.
            return {}
        normal = self._flux.is_normal(per_s, seconds)
        # Only exposures without any other fault teach what is normal: a beam dump must not become the normal.
        if not others_failed and (normal or self._flux.confirms_change(per_s, seconds)):
            self._flux.remember(per_s)
            return {}
        return {} if normal else {"i0": f"i0 = {per_s:.4g} counts/s, needs about {self._flux.normal:.4g} counts/s"}

    def _is_known_dip(self) -> bool:
        dip_per_s = self._life.targets.dip_per_s
        return dip_per_s is not None and abs(self.i0_per_s / dip_per_s - 1) <= DIP_TOLERANCE

    def _astray(self, raw: Raw) -> dict[str, str]:
        """Return remarks on the axes that were off their targets: moved by another client, jumped, or not known."""
        remarks = {}
        for key, position in self._present.axes.end(raw).items():
            axis = self._axes[key]
            needs = f"needs {self._present.axes.expected(key):.8g} ± {axis.tolerance:g}"
            remarks[axis.name] = f"{axis.name} = {position:.8g} {axis.unit}, {needs}"
        return remarks

    def read_configuration(self) -> dict[str, dict[str, Any]]:
        """Return nothing: the start document carries every setting."""
        return {}

    def describe_configuration(self) -> dict[str, dict[str, Any]]:
        """Return nothing: the start document carries every setting."""
        return {}

    @property
    def hints(self) -> dict[str, list[str]]:
        """Fields of bluesky's live table: I0, counts."""
        return {"fields": ["i0"]}
