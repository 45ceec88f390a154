"""An axis that a beamline adds in its configuration file: any motor record, or a setpoint with a read-back."""

from __future__ import annotations

from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import StatusBase

from devices.axes.axis import Axis
from devices.axes.both_moves import BothMoves
from devices.axes.motor_record import MotorFields
from devices.configuration import RecordAxisSettings
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal
from errors import MotionError


class RecordAxis(Axis):
    """One quantity behind one setpoint, in the unit of its PVs."""

    setpoint = FCpt(LimitedSignal, "{_setpoint_pv}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_readback_pv}", kind="omitted")

    raw_readbacks = ("readback",)
    raw_setpoints = ("setpoint",)

    def __init__(self, settings: RecordAxisSettings, *, prefix: str, name: str) -> None:
        setpoint, readback, stop = settings.pvs
        self._stop_pv = prefix + stop
        self._setpoint_pv = prefix + setpoint
        self._readback_pv = prefix + readback
        self.settle_s = settings.settle_s
        self.unit = settings.unit
        self._settings = settings
        self._stops = 0
        super().__init__(name=name, **settings.motion)

    @property
    def is_scaled(self) -> bool:
        """Whether the PVs have another unit than the axis."""
        return self._settings.scale != 1.0

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the setpoint, in the unit of its PV."""
        return {"setpoint": value * self._settings.scale}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the position from the read-back, in the unit of the axis."""
        return float(raw["readback"]) / self._settings.scale

    def set(self, value: float) -> StatusBase:
        """Move to `value`, in `unit`; with `approach_by` a move down overshoots and returns.

        Raises the errors of any axis.
        """
        settings = self._settings
        self.check_value(value)
        self.tolerance = max(settings.tolerance, settings.relative_tolerance * abs(value))
        # A position that the axis has already may have been reached from above by somebody else, so it counts as down.
        beyond = max(value - settings.approach_by, self.low)
        if not settings.approach_by or beyond >= value or value > self.position + self.tolerance:
            return super().set(value)
        both = BothMoves(f"{self.name} to {value:.10g} {self.unit} from below")
        # The number of stops shows whether there was one between the two moves; then the second must not follow.
        stops = self._stops

        def come_back(first: StatusBase) -> None:
            error = first.exception(timeout=0)
            if error is None and self._stops != stops:
                error = MotionError(f"{self.name} was stopped on its way to {value:.10g} {self.unit}. Repeat the move.")
            if error is not None:
                both.fail(error)
                return
            try:
                # Zero-argument super() does not work in this nested function.
                both.follow(super(RecordAxis, self).set(value), lambda: None)
            except Exception as refused:  # noqa: BLE001  # a callback swallows it, and the status would never end
                both.fail(refused)

        super().set(beyond).add_callback(come_back)
        return both


class StoppableRecordAxis(RecordAxis):
    """A further axis with a PV that stops it."""

    halt = FCpt(EpicsSignal, "{_stop_pv}", kind="omitted")

    def stop(self, *, success: bool = False) -> None:
        """Write 1 to the PV that stops the motion; does nothing if it does not answer."""
        self._stops += 1
        if self.halt.connected:
            self.halt.put(1)


class MotorRecordAxis(StoppableRecordAxis):
    """A further axis that is a motor record, whose limits, offset and mode are watched too."""

    motor = FCpt(MotorFields, "{_setpoint_pv}", kind="omitted")


def record_axis(settings: RecordAxisSettings, *, prefix: str, name: str) -> RecordAxis:
    """Return the axis of a table `[axes.NAME]`: a motor record, or a setpoint with or without a PV that stops it."""
    # In ophyd the components are attributes of the class, and each is a PV that must connect. So an axis without a stop
    # PV or a motor record is of a class without that component.
    if settings.motor:
        kind: type[RecordAxis] = MotorRecordAxis
    else:
        kind = StoppableRecordAxis if settings.stop else RecordAxis
    return kind(settings, prefix=prefix, name=name)
