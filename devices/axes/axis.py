"""A positioner that checks its limits before it moves and its read-back after it has arrived."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

from ophyd import Device
from ophyd.status import DeviceStatus

from devices.axes.motor_record import MotorFields
from devices.numbers import finite_number
from devices.signals.move_status import MoveStatus, fail, finish
from devices.signals.uncached_signal import (
    READ_TIMEOUT_S,
    FreshSignalRO,
    LimitedSignal,
    PreparedRequests,
    PvReading,
    put_together,
    read_together,
    valid_readings,
)
from errors import MotionError, NotConnectedError, OutOfRangeError


class Following(Protocol):
    """What follows a move without delay: it begins when the axis reports the end, before its read-back is known."""

    def begin(self) -> None:
        """Begin: the move is complete, and the read-back is requested; raises nothing."""

    def end_move(self, *, confirmed: bool) -> None:
        """Go on, or undo what has begun unless the read-back has `confirmed` the arrival; raises nothing."""


READBACK_LAG_S = 1.0
"""Longest lag of a read-back behind put completion, s: the Kohzu support scans its own at 10 Hz or slower."""

READBACK_POLL_S = 0.05
"""Time between two requests of a read-back that lags, s."""


class Axis(Device):
    """One physical quantity set through one or more raw PVs with put completion.

    Subclasses name their raw read-backs and setpoints and convert with `raw_targets` and `value_from_raw`. An axis with
    a component `motor` is driven by that motor record: directly, or through another record if `raw_is_motor` is false.
    One that is not there (`is_there`) stands for a device that the endstation lacks, and is neither moved nor recorded.
    One that `settles` takes minutes to arrive; a run sets it first, with the laser shutter closed.
    `low`, `high` and `tolerance` are in `unit`. A move is done `settle_s` seconds after the axis has arrived.
    """

    unit: str
    raw_readbacks: ClassVar[tuple[str, ...]]
    raw_setpoints: ClassVar[tuple[str, ...]]
    raw_is_motor: ClassVar[bool] = True
    is_there: ClassVar[bool] = True
    settles: ClassVar[bool] = False
    settle_s: float = 0.0

    def __init__(
        self, *, name: str, low: float, high: float, tolerance: float, timeout_s: float, **kwargs: Any
    ) -> None:
        self.low = low
        self.high = high
        self.tolerance = tolerance
        self.timeout_s = timeout_s
        self.arrived_with: Mapping[str, PvReading] = {}
        """Raw read-backs, by attribute name, that proved the end of the latest move; empty while one is under way."""
        super().__init__("", name=name, **kwargs)

    @property
    def moves_during_read_out(self) -> bool:
        """Whether a move may begin as soon as the read-out of an exposure is requested; here it may not.

        It may if its move changes nothing that the read-out records except its own read-backs, which are requested
        before it moves.
        """
        return False

    @property
    def motor_fields(self) -> MotorFields | None:
        """Limits, calibration and mode of the motor record behind the axis; None if no motor record drives it."""
        return getattr(self, "motor", None)

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the raw setpoints that bring the axis to `value`, in `unit`, by attribute name, in the PVs' units.

        `unit` is that of the axis, such as eV or ps. Raises NotImplementedError unless a subclass overrides it.
        """
        raise NotImplementedError

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the position in `unit`, such as eV or ps, from the raw read-backs, by attribute name.

        Raises NotImplementedError unless a subclass overrides it.
        """
        raise NotImplementedError

    def fresh_signals(self) -> dict[str, FreshSignalRO]:
        """Return the raw read-backs by attribute name, for reading them together with others."""
        return {attribute: getattr(self, attribute) for attribute in self.raw_readbacks}

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest allowed position, in `unit`."""
        return self.low, self.high

    @property
    def position(self) -> float:
        """Position of the axis in `unit`, requested from the hardware.

        Raises NotConnectedError if a read-back does not answer, InvalidReadingError if one is in INVALID alarm.
        """
        return self.value_from_raw(read_together(self.fresh_signals()))

    def check_value(self, value: float) -> None:
        """Raise InputError unless `value` is a finite number within the limits, all in `unit`."""
        finite_number(value, self.name, self.unit)
        if not self.low <= value <= self.high:
            raise OutOfRangeError(self.name, value, self.low, self.high, self.unit)

    def set(self, value: float) -> DeviceStatus:
        """Move to `value`, in `unit`; the status is done when the read-back agrees within the tolerance.

        It fails with MotionError if the axis stops elsewhere, and with a time-out if it does not stop. Raises
        OutOfRangeError or MotionError, without moving, if the limits or the mode of the records forbid the move, and
        NotConnectedError if they do not answer.
        """
        return self._ready_move(value)()

    def ready_move(self, value: float, following: Following) -> Callable[[], DeviceStatus]:
        """Return a function that moves as `set` does, and lets `following` begin at the completion of every record.

        Only for an axis that `moves_during_read_out`. Raises the errors of `set` about targets and limits, and the
        function those about connections.
        """
        return self._ready_move(value, following)

    def _ready_move(self, value: float, following: Following | None = None) -> Callable[[], DeviceStatus]:
        # A move has four steps: check our own limits, check those of the records, write all raw setpoints at once, and
        # compare the read-back once every record has reported completion. Between the steps nothing is assumed: other
        # clients may change limits and modes, a stalled motor completes its put, and completion may arrive before the
        # new read-back does. Whatever happens ends the status: with success, with a reason, or with the time-out.
        self.check_value(value)
        targets = self.raw_targets(value)
        self._check_records(targets)
        pvs = [getattr(self, attribute).pvname for attribute in targets]
        status = MoveStatus(
            self,
            what=f"{self.name} to {value:.10g} {self.unit}",
            pvs=pvs,
            timeout_s=self.timeout_s,
            settle_s=self.settle_s,
            waits=True,
        )
        setpoints = [(getattr(self, attribute), raw) for attribute, raw in targets.items()]
        # Put completion reports only that a record has finished, not where: the read-back decides, after the last one.
        verify = partial(self._verify, value, status)
        if following is not None:
            verify = partial(
                verify, follow=partial(self._lets_follow, value, following, PreparedRequests(self.fresh_signals()))
            )

        def begin() -> DeviceStatus:
            self.arrived_with = {}
            status.begin_by(lambda: put_together(setpoints, _Countdown(len(setpoints), verify).one_done))
            return status

        return begin

    def _check_records(self, targets: Mapping[str, float]) -> None:
        """Raise OutOfRangeError for raw targets outside a record's own limits, which other clients may change.

        Control limits come with the connection. They are requested again only if they forbid the target, as another
        client may have widened them; limits that became narrower stop the motion, and `_missed` explains that. The
        fields of a motor record are requested before every move.
        """
        for attribute, raw in targets.items():
            signal: LimitedSignal = getattr(self, attribute)
            if self.motor_fields is not None:
                self.motor_fields.check(raw if self.raw_is_motor else None, fresh=self.raw_is_motor)
            if not _within(raw, signal.limits) and not _within(raw, limits := signal.fresh_limits()):
                low, high = limits
                unit = signal.metadata.get("units") or ""
                remedy = (
                    f"These are the limits of the record, for {self.name} in its own unit. Change them or the target."
                )
                raise OutOfRangeError(signal.pvname, raw, low, high, unit, remedy)

    def _verify(self, value: float, status: DeviceStatus, follow: Callable[[], bool] | None = None) -> None:
        """Finish or fail `status` according to the position; runs in a callback thread of Channel Access."""
        try:
            # Nothing follows the late completion of a move that has timed out, nor an axis that has yet to settle.
            is_late = status.done or self.settle_s > 0
            follows = follow is not None and not is_late and follow()
            reached = value if follows else self._position_after_lag(value)
        except Exception as error:  # noqa: BLE001  # a thread of Channel Access swallows it, and the status would never end
            fail(status, error)
            return
        if self._agrees(value, reached):
            finish(status)
        else:
            fail(status, MotionError(self._missed(value, reached)))

    def _lets_follow(self, value: float, following: Following, requests: PreparedRequests) -> bool:
        """Let `following` begin, and return whether a read-back that was requested before confirms the arrival."""
        confirmed = False
        try:
            requested = requests.send()
            following.begin()
            # An answer to a second request would be younger than what has begun.
            readings = requested.collect(batch_s=READ_TIMEOUT_S)
            confirmed = all(reading.valid for reading in readings.values()) and self._agrees(
                value, self._position_from(readings)
            )
            if confirmed:
                self.arrived_with = readings
        finally:
            following.end_move(confirmed=confirmed)
        return confirmed

    def _position_from(self, readings: Mapping[str, PvReading]) -> float:
        return self.value_from_raw({attribute: reading.value for attribute, reading in readings.items()})

    def _agrees(self, value: float, reached: float) -> bool:
        return abs(reached - value) <= self.tolerance

    def _position_after_lag(self, value: float) -> float:
        """Return the position, read again while a slowly scanned read-back may still lag behind."""
        # Completion overtakes a read-back that is scanned: give it a second before calling the move missed.
        deadline = time.monotonic() + READBACK_LAG_S
        while True:
            readings = valid_readings(self.fresh_signals())
            reached = self._position_from(readings)
            if self._agrees(value, reached) or time.monotonic() >= deadline:
                self.arrived_with = readings
                return reached
            time.sleep(READBACK_POLL_S)

    def _changes(self) -> str:
        """Return which limits or motor fields changed while the session was open, in words; empty if none did."""
        found = [] if self.motor_fields is None else [self.motor_fields.changes()]
        for attribute in self.raw_setpoints:
            signal: LimitedSignal = getattr(self, attribute)
            try:
                before = signal.limits
                now = signal.fresh_limits()
            except NotConnectedError:
                continue
            if before != now and None not in before:
                found.append(f"the limits of {signal.pvname} changed from {_range(before)} to {_range(now)}")
        return "; ".join(change for change in found if change)

    def _missed(self, value: float, reached: float) -> str:
        changes = self._changes()
        if changes:
            return (
                f"{self.name} was sent to {value:.10g} {self.unit} and stopped at {reached:.10g} {self.unit} "
                f"(tolerance {self.tolerance:g} {self.unit}). While the session was open another client changed its "
                f"record: {changes}. Set it back or choose another target, then repeat the point."
            )
        return (
            f"{self.name} was sent to {value:.10g} {self.unit} and stopped at {reached:.10g} {self.unit} "
            f"(tolerance {self.tolerance:g} {self.unit}). It was stopped, stalled or refused the move: check "
            f"{', '.join(signal.pvname for signal in self.fresh_signals().values())}, then repeat the point."
        )

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the position, in `unit`, under the axis' own name; raises the same errors as `position`."""
        return {self.name: {"value": self.position, "timestamp": time.time()}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data key of the position: a number in `unit`, its limits and the PVs behind it."""
        pvs = ",".join(signal.pvname for signal in self.fresh_signals().values())
        limits = {"control": {"low": self.low, "high": self.high}}
        key = {"source": f"PV:{pvs}", "dtype": "number", "shape": [], "units": self.unit, "limits": limits}
        return {self.name: key}

    @property
    def hints(self) -> dict[str, list[str]]:
        """Name of the field to plot against."""
        return {"fields": [self.name]}


def _within(raw: float, limits: tuple[float | None, float | None]) -> bool:
    """Return whether `raw` is within control limits; without limits (0 to 0) everything is."""
    low, high = limits
    return low is None or high is None or not low < high or low <= raw <= high


def _range(limits: tuple[float, float]) -> str:
    return f"{limits[0]:g} .. {limits[1]:g}"


class _Countdown:
    """Counter of put completions that calls `done` once, when `count` of them have arrived."""

    def __init__(self, count: int, done: Any) -> None:
        self._left = count
        self._done = done
        self._lock = threading.Lock()

    def one_done(self, **_: Any) -> None:
        # Completions come from several threads of Channel Access. The counter is changed under the lock, and `done` is
        # called outside it, as it waits for read-backs.
        with self._lock:
            self._left -= 1
            finished = self._left == 0
        if finished:
            self._done()
