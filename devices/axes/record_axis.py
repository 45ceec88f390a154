"""An axis that a beamline adds in its configuration file: any motor record, or a setpoint with a read-back."""

from __future__ import annotations

from collections.abc import Mapping

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.axes.axis import Axis
from devices.axes.motor_record import MotorFields
from devices.configuration import RecordAxisSettings
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal


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
        super().__init__(
            name=name,
            low=settings.low,
            high=settings.high,
            tolerance=settings.tolerance,
            timeout_s=settings.timeout_s,
        )

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the setpoint, which is the value itself, in the unit of the axis."""
        return {"setpoint": value}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the position, which is the read-back itself, in the unit of the axis."""
        return float(raw["readback"])


class StoppableRecordAxis(RecordAxis):
    """A further axis with a PV that stops it."""

    halt = FCpt(EpicsSignal, "{_stop_pv}", kind="omitted")

    def stop(self, *, success: bool = False) -> None:
        """Write 1 to the PV that stops the motion; does nothing if it does not answer."""
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
