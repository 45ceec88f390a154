"""Temperature of the sample in the cryostat: a move is done when it has settled, not when it was requested."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.axes.axis import Axis
from devices.axes.cell import GRACE_S, Settling
from devices.configuration import RecordAxisSettings
from devices.signals.move_status import fail, finish, finished
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal, put_and_wait, read_together
from errors import MotionError, NotSettledError

RAMP_K_MIN = 2.0
"""Slope of every change of temperature, K/min (chosen: gentle on the sample)."""

POLL_S = 0.1
"""Time between two readings while the temperature settles, s."""

HIGH_RANGE = 3
"""Choice of the heater's range with the most power."""


class SampleTemperature(Axis):
    """Temperature of the sample, K, in the records of the public Lakeshore 335 support behind the `pv` of the table."""

    # A move takes hours and its put completes at once, so each one has a thread that watches it. `_stop` is the event
    # of the latest move: setting it makes the thread of that move fail its own status and leave.

    setpoint = FCpt(LimitedSignal, "{_pv}OUT1:SP", kind="omitted")
    setpoint_readback = FCpt(FreshSignalRO, "{_pv}OUT1:SP_RBV", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_pv}IN1", kind="omitted")
    ramp = FCpt(EpicsSignal, "{_pv}RampR1", kind="omitted")
    ramp_on = FCpt(EpicsSignal, "{_pv}OnRamp1", kind="omitted")
    heater_range = FCpt(EpicsSignal, "{_pv}HTR1:Range", kind="omitted")

    unit = "K"
    raw_readbacks = ("readback",)
    raw_setpoints = ("setpoint",)
    settles = True

    def __init__(self, settings: RecordAxisSettings, *, prefix: str, name: str) -> None:
        self._pv = prefix + settings.pv
        self._settle_here_s = settings.settle_s
        self._stop = threading.Event()
        self._stop.set()
        self._settled_at_k: float | None = None
        super().__init__(name=name, **settings.motion)

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the set value, K."""
        return {"setpoint": value}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the temperature of the sample, K."""
        return float(raw["readback"])

    def set(self, value: float) -> DeviceStatus:
        """Go to `value`, K, by the ramp; the status is done after `settle_s` seconds within the tolerance.

        A temperature that has settled there before and is still there is done at once. The status fails with
        NotSettledError after the time-out, and with MotionError if the controller is stopped, sent elsewhere, or does
        not accept the set value. Raises InputError, without any change, for a temperature outside the limits.
        """
        # A move that is asked for again, as by the next map of a series, must not settle for minutes once more.
        self.check_value(value)
        self._check_records(self.raw_targets(value))
        if self._settled_at_k == value and self._is_at(value):
            return finished(self)
        self._stop.set()
        self._settled_at_k = None
        self._stop = stop = threading.Event()
        what = f"{self.name} at {value:g} {self.unit}"
        status = Settling(self, what=what, pvs=[self.readback.pvname], timeout_s=self.timeout_s + GRACE_S)
        threading.Thread(target=self._settle, args=(value, status, stop), daemon=True).start()
        return status

    def _is_at(self, value: float) -> bool:
        reading = read_together({"here": self.readback, "set": self.setpoint_readback})
        return abs(float(reading["here"]) - value) <= self.tolerance and abs(float(reading["set"]) - value) < 1e-3

    def _settle(self, value: float, status: DeviceStatus, stop: threading.Event) -> None:
        try:
            read_together(self.fresh_signals())  # joins this thread to the context of Channel Access
            for signal, raw in ((self.ramp, RAMP_K_MIN), (self.ramp_on, 1), (self.heater_range, HIGH_RANGE)):
                put_and_wait(signal, raw)
            put_and_wait(self.setpoint, value)
            self._wait_until_settled(value, stop)
        except Exception as error:  # noqa: BLE001  # only the status can report what happens in this thread
            fail(status, error)
            return
        self._settled_at_k = value
        stop.set()
        finish(status)

    def _wait_until_settled(self, value: float, stop: threading.Event) -> None:
        deadline = time.monotonic() + self.timeout_s
        within_since: float | None = None
        while True:
            now = time.monotonic()
            reading = read_together({"here": self.readback, "set": self.setpoint_readback})
            reached = float(reading["here"])
            if abs(float(reading["set"]) - value) > 1e-3:
                raise MotionError(
                    f"{self.setpoint.pvname} is at {float(reading['set']):g} K, wanted {value:g} K: it was refused, or "
                    "another client has changed it. Repeat the move."
                )
            # The time within the tolerance starts again whenever the temperature leaves it.
            within_since = (within_since or now) if abs(reached - value) <= self.tolerance else None
            if within_since is not None and now - within_since >= self._settle_here_s:
                return
            if now > deadline:
                raise NotSettledError(
                    f"{self.name} did not settle at {value:g} K within {self.timeout_s:g} s: {self.readback.pvname} "
                    f"must stay within {self.tolerance:g} K for {self._settle_here_s:g} s; last reading "
                    f"{reached:.2f} K. Check cooler and heater, or raise timeout_s of its table."
                )
            if stop.wait(POLL_S):
                raise MotionError(f"{self.name} was stopped or sent elsewhere on its way to {value:g} K. Repeat it.")

    def stop(self, *, success: bool = False) -> None:
        """Make the current temperature the set value, if it is on its way to another one."""
        if self._stop.is_set() or not self.connected:
            return
        self._stop.set()
        self.setpoint.put(self.position)
