"""An axis whose class the configuration names: a stock ophyd motor or positioner, with trxas's checks around it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus, StatusBase

from devices.axes.axis import Axis
from devices.axes.motor_record import MotorFields
from devices.configuration import RecordAxisSettings
from devices.numbers import is_finite_number
from devices.signals.move_status import MoveStatus, fail, finish
from devices.signals.uncached_signal import CHANNEL_ERRORS, FreshSignalRO, read_together
from errors import InputError, MotionError, NotConnectedError, OutOfRangeError


class PositionerAxis(Axis):
    """One quantity that `positioner`, any ophyd motor or PVPositioner, moves in the unit of its PVs.

    The positioner decides how to move and when the motion has ended; limits, read-back, tolerance and settling are
    those of every axis.
    """

    readback = FCpt(FreshSignalRO, "{_readback_pv}", kind="omitted")
    target = FCpt(FreshSignalRO, "{_setpoint_pv}", kind="omitted")

    raw_readbacks = ("readback",)
    raw_setpoints = ()

    def __init__(self, settings: RecordAxisSettings, positioner: Any, *, name: str) -> None:
        self.positioner = positioner
        setpoint = positioner.user_setpoint if hasattr(positioner, "user_setpoint") else positioner.setpoint
        readback = positioner.user_readback if hasattr(positioner, "user_readback") else positioner.readback
        self._setpoint_pv = setpoint.pvname
        # A positioner without a read-back PV is where its setpoint is.
        self._readback_pv = (setpoint if readback is None else readback).pvname
        self.settle_s = settings.settle_s
        self.unit = settings.unit
        super().__init__(name=name, **settings.motion)

    def walk_signals(self, *, include_lazy: bool = False) -> Iterator[Any]:
        """Yield every signal of the axis and of its positioner, as ophyd's components: all of them must connect."""
        yield from super().walk_signals(include_lazy=include_lazy)
        yield from self.positioner.walk_signals(include_lazy=include_lazy)

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the position, which is the read-back itself, in the unit of the axis."""
        return float(raw["readback"])

    def set(self, value: float) -> DeviceStatus:
        """Move to `value`, in `unit`; the status is done when the read-back agrees within the tolerance.

        It fails with MotionError if the positioner fails or the axis stops elsewhere, and with a time-out if it does
        not stop. Raises OutOfRangeError or InputError, without moving, if limits or positioner forbid the move, and
        NotConnectedError if PVs do not answer.
        """
        self.check_value(value)
        self._check_positioner(value)
        status = MoveStatus(
            self,
            what=f"{self.name} to {value:.10g} {self.unit}",
            pvs=[self.target.pvname],
            timeout_s=self.timeout_s,
            settle_s=self.settle_s,
        )
        status.begin_by(lambda: self._begin(value, status))
        return status

    def _begin(self, value: float, status: StatusBase) -> None:
        if self._is_there(value):
            finish(status)
        else:
            self._start(value).add_callback(lambda ended: self._ended(value, ended, status))

    def stop(self, *, success: bool = False) -> None:
        """Stop the positioner where it is; does nothing if it does not answer."""
        with contextlib.suppress(TimeoutError, *CHANNEL_ERRORS):
            self.positioner.stop(success=success)

    def _check_positioner(self, value: float) -> None:
        """Raise OutOfRangeError if `value` is outside the positioner's own limits, if it has any (not 0 to 0)."""
        try:
            low, high = self.positioner.limits
        except (TimeoutError, *CHANNEL_ERRORS) as error:
            raise NotConnectedError([self.target.pvname], 0.0) from error
        if is_finite_number(low) and is_finite_number(high) and low < high and not low <= value <= high:
            remedy = f"These are the limits of {self.name}'s device. Change them or the target."
            raise OutOfRangeError(self.target.pvname, value, low, high, self.unit, remedy)

    def _is_there(self, value: float) -> bool:
        """Return whether the latest target was `value` and the axis is there."""
        # ophyd's positioners wait until a motion begins and ends. A device that is already there may not move at all,
        # and such a wait would never end. The setpoint counts too: within the tolerance, yet sent elsewhere, it moves.
        found = read_together({"readback": self.readback, "target": self.target})
        sent = abs(float(found["target"]) - value) <= 1e-9 * max(1.0, abs(value))
        return sent and abs(self.value_from_raw(found) - value) <= self.tolerance

    def _start(self, value: float) -> StatusBase:
        try:
            return self.positioner.set(value)
        except (TimeoutError, *CHANNEL_ERRORS) as error:
            raise NotConnectedError([self.target.pvname], 0.0) from error
        except ValueError as error:
            raise InputError(
                f"{self.name} = {value:g} {self.unit} is refused by its device ({error}). Choose another target."
            ) from error

    def _ended(self, value: float, ended: StatusBase, status: DeviceStatus) -> None:
        """Finish or fail `status` when the positioner has ended its motion; runs in a thread of ophyd's status."""
        error = ended.exception(timeout=0)
        if error is None:
            # A positioner reports that it has stopped, not where: one that was stopped by hand ends successfully.
            self._verify(value, status)
            return
        fail(
            status,
            MotionError(
                f"{self.name} was sent to {value:.10g} {self.unit}, and its device failed: {error!r}. Check "
                f"{self.readback.pvname} and its alarm, then repeat the point."
            ),
        )


class MotorPositionerAxis(PositionerAxis):
    """A further axis moved by ophyd's EpicsMotor; limits, offset and mode of the record are watched as well."""

    motor = FCpt(MotorFields, "{positioner.prefix}", kind="omitted")

    def _check_positioner(self, value: float) -> None:
        """Raise MotionError for a mode that does not move or a changed calibration, OutOfRangeError for the limits."""
        self.motor.check(value)
