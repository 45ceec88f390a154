"""Building a further axis from its table `[axes.NAME]`."""

from __future__ import annotations

from typing import Any

from ophyd import EpicsSignal, EpicsSignalRO
from ophyd import FormattedComponent as FCpt

from devices.axes.axis import Axis
from devices.axes.positioner_axis import MotorPositionerAxis, PositionerAxis
from devices.axes.record_axis import record_axis
from devices.configuration import RecordAxisSettings
from devices.configuration.axis_class import AxisClass, FoundClass, axis_class


def further_axis(settings: RecordAxisSettings, *, prefix: str, name: str) -> Axis:
    """Return the axis of a table, not connected yet: records, or a device of the class that the table names.

    A class derived from `Axis` is built as `cls(settings, prefix=prefix, name=name)`, any other from the PV in front of
    its own. Raises InputError for a class path that the check of the configuration would have refused.
    """
    if not settings.class_path:
        return record_axis(settings, prefix=prefix, name=name)
    found = axis_class(settings.class_path)
    if found.kind is AxisClass.OWN:
        made: Axis = found.device(settings, prefix=prefix, name=name)
        return made
    positioner = _positioner(found, settings, prefix, f"{name}_positioner")
    wrapper = MotorPositionerAxis if found.kind is AxisClass.MOTOR else PositionerAxis
    return wrapper(settings, positioner, name=name)


def _positioner(found: FoundClass, settings: RecordAxisSettings, prefix: str, name: str) -> Any:
    if found.kind is not AxisClass.WITHOUT_PVS:
        return found.device(prefix + settings.pv, name=name)
    # PVPositioner itself has no signals: ophyd wants a subclass with one component for each PV.
    components: dict[str, Any] = {
        "setpoint": FCpt(EpicsSignal, f"{prefix}{settings.setpoint}", limits=True),
        "readback": FCpt(EpicsSignalRO, prefix + settings.readback),
    }
    if settings.done:
        components["done"] = FCpt(EpicsSignalRO, prefix + settings.done)
    if settings.stop:
        components["stop_signal"] = FCpt(EpicsSignal, prefix + settings.stop)
    return type(f"{found.device.__name__}OfTable", (found.device,), components)("", name=name)
