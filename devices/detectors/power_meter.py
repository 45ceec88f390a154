"""Power of the pump behind the attenuator, as a mean of readings made after the trigger."""

from __future__ import annotations

import math
import statistics
import time
from typing import Any

from ophyd import Device, EpicsSignalRO
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.configuration import LaserSettings
from devices.signals.move_status import MoveStatus, finish
from devices.signals.uncached_signal import is_valid
from errors import InputError

MAXIMUM_READINGS = 1000

READING_TIMEOUT_S = 2.0
"""Longest time for one reading, s: thermal power meters follow within a second."""

MARGIN_S = 5.0
"""Additional time for the first reading, s."""


class PowerMeter(Device):
    """Mean power in W of `readings` readings, and the standard error of that mean.

    The reading in progress at the trigger is left out: it may have begun before the plate stood still.
    """

    power = FCpt(EpicsSignalRO, "{_prefix}{_settings.power}", kind="omitted")

    def __init__(self, settings: LaserSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        self.readings = 5
        self._watts: list[float] = []
        super().__init__("", name=name)

    def check_readings(self, readings: int) -> None:
        """Raise InputError unless `readings` is a whole number from 2 up: a single one has no scatter."""
        if isinstance(readings, bool) or not isinstance(readings, int) or not 2 <= readings <= MAXIMUM_READINGS:
            raise InputError(f"readings = {readings!r}: give a whole number from 2 to {MAXIMUM_READINGS}.")

    def trigger(self) -> DeviceStatus:
        """Take the next readings, W; the status fails with a time-out naming the PV if the meter sends none.

        A reading in INVALID alarm does not count.
        """
        # The meter is slow and sends readings by itself, so they come from its monitor and not from requests, which
        # would return the same reading several times and make the scatter too small.
        wanted = self.readings
        watts = list[float]()
        skipped = list[float]()
        self._watts = watts
        what = f"{wanted} readings of the laser power"
        timeout_s = wanted * READING_TIMEOUT_S + MARGIN_S
        ended = MoveStatus(self, what=what, pvs=[self.power.pvname], timeout_s=timeout_s)

        def collect(*, value: float, severity: int = 0, status: int = 0, **_: Any) -> None:
            """Take a reading, W, that is valid and not the first; end the status with the last one that is wanted."""
            if not is_valid(severity, status):
                return
            # The first reading after the trigger may have begun before it.
            if not skipped:
                skipped.append(value)
            elif len(watts) < wanted:
                watts.append(float(value))
                if len(watts) == wanted:
                    finish(ended)

        ended.add_callback(lambda _: self.power.clear_sub(collect))
        self.power.subscribe(collect, event_type=self.power.SUB_VALUE, run=False)
        return ended

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the mean power and its standard error, W."""
        now = time.time()
        error = statistics.stdev(self._watts) / math.sqrt(len(self._watts))
        return {
            "power_w": {"value": statistics.fmean(self._watts), "timestamp": now},
            "power_sigma_w": {"value": error, "timestamp": now},
        }

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys of the mean power and of its standard error, both in W."""
        key = {"source": f"PV:{self.power.pvname}", "dtype": "number", "shape": [], "units": "W"}
        return {"power_w": dict(key), "power_sigma_w": dict(key)}
