"""Temperature of the powder cell: a move is done when the temperature has settled, not when it was requested."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import Any

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus
from ophyd.utils import DisconnectedError

from devices.axes.axis import Axis
from devices.configuration import CellSettings
from devices.conversions import cell_setpoint, cell_temperature_c
from devices.signals.move_status import MoveStatus, fail, finish, finished
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal, put_and_wait, read_together
from errors import MotionError, NotConnectedError, NotSettledError

TEMPERATURE = "temperature_c"
"""Name of the event field."""

ANSWER_TIMEOUT_S = 10.0
"""Longest time in which the controller accepts a setting, s."""

GRACE_S = 30.0
"""Time that the status waits beyond the cell's own time-out, whose error explains more, s."""


class Settling(MoveStatus):
    """Status of a temperature move.

    Unlike ophyd's own it does not stop the device when it fails: the cell may have been sent elsewhere, and a plan that
    fails stops its movers anyway.
    """

    def _handle_failure(self) -> None:
        """Leave the cell at its temperature instead of stopping it."""


class Cell(Axis):
    """Temperature of the powder, C, through a controller whose thermocouple is miscalibrated.

    temperature = offset + gain x raw reading, with both from the configuration.
    """

    # A move takes minutes and its put completes at once, so each one has a thread that watches it. States: at rest
    # (`_given_up` is set), on the way (it is not set), settled (`_settled_at` holds the target, and the event is set).
    # Each move has its own event: setting it makes the thread of that move fail its own status and leave. A new
    # move first sets the event of the previous move; the lock then makes it wait until that thread has left, so
    # that an old set value never arrives after a new one.

    setpoint = FCpt(LimitedSignal, "{_prefix}{_settings.setpoint}", kind="omitted")
    setpoint_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.setpoint}", kind="omitted")
    ramp = FCpt(EpicsSignal, "{_prefix}{_settings.ramp_rate}", kind="omitted")
    heater = FCpt(EpicsSignal, "{_prefix}{_settings.heater}", kind="omitted")
    thermocouple = FCpt(FreshSignalRO, "{_prefix}{_settings.thermocouple}", kind="omitted")
    in_position = FCpt(FreshSignalRO, "{_prefix}{_settings.in_position}", kind="omitted")

    unit = "C"
    raw_readbacks = ("thermocouple",)
    raw_setpoints = ("setpoint",)

    def __init__(self, settings: CellSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        self._given_up = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._given_up.set()
        self._settled_at: float | None = None
        super().__init__(
            name=name,
            low=settings.low_c,
            high=settings.high_c,
            tolerance=settings.tolerance_c,
            timeout_s=settings.timeout_s,
        )

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the set value of the controller, in its own reading."""
        return {"setpoint": cell_setpoint(value, offset_c=self._settings.offset_c, gain=self._settings.gain)}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the temperature, C, from the thermocouple's reading."""
        settings = self._settings
        return cell_temperature_c(float(raw["thermocouple"]), offset_c=settings.offset_c, gain=settings.gain)

    def set(self, value: float) -> DeviceStatus:
        """Go to `value`, C, with the heater on; the status is done when the temperature has settled.

        Settled: within the tolerance for `settle_s` seconds of wall-clock time without a break, with the controller in
        position. A cell that has settled there before and is still there is done at once. The status fails with
        NotSettledError, which names PV, band and last reading, after the time-out, and with MotionError if the cell is
        stopped or sent elsewhere meanwhile. Raises InputError, without moving, for a temperature outside the limits.
        """
        self.check_value(value)
        targets = self.raw_targets(value)
        self._check_records(targets)
        if self.is_settled_at(value):
            return finished(self)
        # End the watch of the previous move first: its thread fails its own status.
        self._given_up.set()
        self._settled_at = None
        self._given_up = given_up = threading.Event()
        what = f"{self.name} at {value:g} {self.unit}"
        pvs = [self.thermocouple.pvname]
        status = Settling(self, what=what, pvs=pvs, timeout_s=self.timeout_s + GRACE_S)
        steps = {"ramp": self._settings.ramp_c_min, **targets, "heater": 1}
        watch = threading.Thread(target=self._settle, args=(value, steps, status, given_up), daemon=True)
        watch.start()
        return status

    def _settle(self, value: float, steps: Mapping[str, float], status: DeviceStatus, stop: threading.Event) -> None:
        failure: Exception | None = None
        try:
            # The thread of the previous move may still be writing: its last setting must not come after our first.
            with self._one_at_a_time:
                self._go(value, steps, stop)
        except Exception as error:  # noqa: BLE001  # only the status can report what happens in this thread
            failure = error
        if failure is None and not stop.is_set():
            self._settled_at = value
            stop.set()
        if failure is None:
            finish(status)
        else:
            fail(status, failure)

    def is_settled_at(self, value: float) -> bool:
        """Return whether the cell settled at `value`, C, has not been sent elsewhere since, and is still there."""
        signals = {**self.fresh_signals(), "kept": self.setpoint_readback, "in_position": self.in_position}
        if self._settled_at != value or not all(signal.connected for signal in signals.values()):
            return False
        reading = read_together(signals)
        kept = abs(float(reading["kept"]) - self.raw_targets(value)["setpoint"]) <= self.tolerance / 10
        return (
            kept and abs(self.value_from_raw(reading) - value) <= self.tolerance and bool(int(reading["in_position"]))
        )

    def _go(self, value: float, steps: Mapping[str, float], stop: threading.Event) -> None:
        # Reading joins this thread to the context of Channel Access, and finds a controller that does not answer.
        read_together(self.fresh_signals())
        for attribute, raw in steps.items():
            if stop.is_set():
                raise self._given_up_error(value)
            put_and_wait(getattr(self, attribute), raw, ANSWER_TIMEOUT_S)
        self._check_accepted(steps["setpoint"])
        self._wait_until_settled(value, stop)

    def _check_accepted(self, raw: float) -> None:
        """Raise MotionError if the controller holds another set value: a refusal is silent."""
        # The server accepts the write and may drop the value silently: only reading it back shows that.
        kept = float(read_together({"kept": self.setpoint_readback})["kept"])
        if abs(kept - raw) > self.tolerance / 10:
            raise MotionError(
                f"{self.setpoint.pvname} stays at {kept:g}, wanted {raw:g} (C, raw reading). Check its limits and its "
                "access rights."
            )

    def _wait_until_settled(self, value: float, stop: threading.Event) -> None:
        deadline = time.monotonic() + self.timeout_s
        in_band_since: float | None = None
        while True:
            reading = read_together({**self.fresh_signals(), "in_position": self.in_position})
            now = time.monotonic()
            reached = self.value_from_raw(reading)
            # The time within the band starts again whenever the temperature leaves it.
            if abs(reached - value) > self.tolerance:
                in_band_since = None
            elif in_band_since is None:
                in_band_since = now
            in_band_s = now - in_band_since if in_band_since is not None else -1.0
            if in_band_s >= self._settings.settle_s and int(reading["in_position"]):
                return
            if now > deadline:
                raise NotSettledError(self._unsettled(value, reached))
            if stop.wait(self._settings.poll_s):
                raise self._given_up_error(value)

    def _given_up_error(self, value: float) -> MotionError:
        return MotionError(f"{self.name} was stopped or sent elsewhere on its way to {value:g} C. Repeat the move.")

    def _unsettled(self, value: float, reached: float) -> str:
        return (
            f"{self.name} did not settle at {value:g} C within {self.timeout_s:g} s: {self.thermocouple.pvname} "
            f"must stay within {value - self.tolerance:g} to {value + self.tolerance:g} C for "
            f"{self._settings.settle_s:g} s and {self.in_position.pvname} confirm it; last reading {reached:.2f} C. "
            "Check the heater, or give it more time (timeout_s in [cell])."
        )

    def stop(self, *, success: bool = False) -> None:
        """Make the current temperature the set value, if the cell is on its way to another one.

        Does nothing if the controller does not answer.
        """
        if self._given_up.is_set() or not (self.setpoint.connected and self.thermocouple.connected):
            return
        self._given_up.set()
        with contextlib.suppress(NotConnectedError, DisconnectedError):
            self.setpoint.put(float(read_together(self.fresh_signals())["thermocouple"]))

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the temperature, C, under the name of its event field; raises the same errors as `position`."""
        value = self.position
        return {TEMPERATURE: {"value": value, "timestamp": time.time()}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of the temperature, C, under the name of its event field."""
        return {TEMPERATURE: super().describe()[self.name]}

    @property
    def hints(self) -> dict[str, list[str]]:
        """Name of the field to plot against."""
        return {"fields": [TEMPERATURE]}
