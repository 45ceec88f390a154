"""All detectors alongside the exposure: which of them take part in a run, and their fields of an event."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ophyd import Device

from devices.configuration import BeamlineConfiguration, ExposureSettings
from devices.configuration.listed_detectors import DeviceDetector
from devices.detectors.any_device import AnyDevice
from devices.detectors.beside_exposure import (
    COUNTED_TOLERANCE,
    MISSING_ENDING,
    BesideDetector,
    Readings,
    Waited,
    beside_detector,
)
from devices.signals.uncached_signal import PvReading
from errors import AcquisitionError

logger = logging.getLogger("trxas.devices")


class FurtherDetectors:
    """The detectors alongside the exposure, in the order of the list.

    Call `begin_run` once per run: a detector that does not answer at that moment does not take part in the run. Per
    exposure, `request` comes before the exposure is read and `fields` after it.
    """

    # `_stamps` holds the latest time stamp of each record that was read: what a record shows next must be later, or it
    # missed the exposure. `_missing` holds why a detector had no value in the latest exposure, so that a detector that
    # is dead for hours is logged once and not at every point.

    def __init__(self, detectors: Sequence[BesideDetector | AnyDevice], settings: ExposureSettings) -> None:
        self._all = tuple(detectors)
        self._any: dict[str, AnyDevice] = {one.name: one for one in detectors if isinstance(one, AnyDevice)}
        self._beside: dict[str, BesideDetector] = {
            one.name: one for one in detectors if isinstance(one, BesideDetector)
        }
        self._settings = settings
        self._present: tuple[BesideDetector | AnyDevice, ...] = ()
        self._waited = Waited(())
        self._stamps: dict[str, float] = {}
        self._missing: dict[str, str] = {}

    @property
    def devices(self) -> tuple[Device, ...]:
        """All of them as ophyd devices, for connecting and for lists of PVs."""
        return (*self._beside.values(), *(one.device for one in self._any.values()))

    def triggered(self, limit_s: float) -> tuple[AnyDevice, ...]:
        """Return the devices of the run that are triggered with an exposure, which waits up to `limit_s` s for them."""
        found = tuple(one for one in self._any.values() if one.entry.trigger and one.name in self.names)
        for one in found:
            one.limit_s = limit_s
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the detectors that take part in the run."""
        return tuple(one.name for one in self._present)

    def begin_run(self) -> None:
        """Query all detectors, and exclude those that do not answer from the run, with a warning; raises nothing."""
        found = Waited(list(self._beside.values())).collect()
        self._missing = {}
        present = []
        for one in self._all:
            answers = self._any[one.name].begin_run() if one.name in self._any else found[one.name] is not None
            if answers:
                present.append(one)
            else:
                logger.warning(
                    "%s does not answer and is excluded from this run. `trxas doctor` shows its PVs.", one.name
                )
        self._present = tuple(present)
        for name, readings in found.items():
            self._remember(name, readings)

    def request(self) -> None:
        """Send the requests to all detectors of the run, without waiting; raises nothing."""
        self._waited = Waited([self._beside[name] for name in self.names if name in self._beside])

    def fields(self, master: PvReading) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return the event fields of all detectors of the run, and a mark for each that has no value.

        `master` is the answer of the master's elapsed time, s, whose stamp gives the end of the exposure.
        """
        found = self._waited.collect()
        values: dict[str, Any] = {}
        marks = []
        for one in self._present:
            try:
                if one.name in self._any:
                    values |= self._any[one.name].values()
                else:
                    beside = self._beside[one.name]
                    readings = self._of_exposure(beside, found[one.name], master)
                    values |= beside.values(readings, float(master.value))
                self._missing.pop(one.name, None)
            except AcquisitionError as error:
                values |= one.empty()
                marks.append(one.name + MISSING_ENDING)
                # A detector that stays without values is logged once, not at every point.
                if one.name not in self._missing:
                    logger.warning("%s has no value for this exposure: %s", one.name, error)
                self._missing[one.name] = str(error)
        return values, tuple(marks)

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of the detectors of the run, with shapes, units and PVs."""
        return {key: data_key for one in self._present for key, data_key in one.describe().items()}

    def event_fields(self) -> dict[str, dict[str, str]]:
        """Return the event fields of each detector of the run by the quantity that they hold."""
        return {one.name: one.fields() for one in self._present}

    def _of_exposure(self, one: BesideDetector, readings: Readings | None, master: PvReading) -> Readings:
        """Return `readings` if all are from the master's exposure; otherwise raise AcquisitionError."""
        if readings is None:
            raise AcquisitionError("it does not answer, or its record is in INVALID alarm.")
        before = dict(self._stamps)
        # Remembered even if a check below fails: a rejected reading must not pass as that of the next exposure.
        self._remember(one.name, readings)
        elapsed_s = float(master.value)
        # An earlier exposure ended at least one exposure ago, so half of one tells them apart.
        allowed_s = max(elapsed_s / 2, self._settings.stamp_tolerance_s)
        for record, stamps in _stamps(one, readings).items():
            if len(stamps) > 1:
                raise AcquisitionError(f"the fields of {record} carry {len(stamps)} time stamps, not one.")
            stamp = max(stamps)
            if stamp <= before.get(f"{one.name} {record}", 0.0):
                raise AcquisitionError(f"{record} still holds an earlier exposure.")
            if abs(stamp - master.stamp_s) > allowed_s:
                raise AcquisitionError(
                    f"{record} was processed {abs(stamp - master.stamp_s):.3g} s from the end of the exposure, more "
                    f"than {allowed_s:.3g} s. Set the clocks with NTP, or raise stamp_tolerance_s in [exposure]."
                )
        counted = readings.get("counted_s")
        if counted is not None and not math.isclose(counted.value, elapsed_s, rel_tol=COUNTED_TOLERANCE):
            raise AcquisitionError(
                f"its scaler counted for {counted.value:g} s, that of the exposure for {elapsed_s:g} s. Check its gate."
            )
        return readings

    def _remember(self, name: str, readings: Readings | None) -> None:
        if readings is not None:
            found = _stamps(self._beside[name], readings)
            self._stamps |= {f"{name} {record}": max(stamps) for record, stamps in found.items()}


def _stamps(one: BesideDetector, readings: Readings) -> Mapping[str, set[float]]:
    """Return the time stamps, s, that the fields of each record of a detector carry."""
    found: dict[str, set[float]] = {}
    for key, signal in one.fresh_signals().items():
        found.setdefault(signal.pvname.partition(".")[0], set()).add(readings[key].stamp_s)
    return found


def further_detectors(configuration: BeamlineConfiguration, prefix: str) -> FurtherDetectors:
    """Return the detectors of the list that are read alongside the exposure."""
    exposure = configuration.exposure
    pumps_per_s = configuration.scheme.pumps_per_s
    made = [
        AnyDevice(entry, prefix=prefix)
        if isinstance(entry, DeviceDetector)
        else beside_detector(entry, exposure, prefix=prefix, pumps_per_s=pumps_per_s)
        for entry in configuration.further_detectors
    ]
    return FurtherDetectors(made, exposure)
