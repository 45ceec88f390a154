"""Building further axes from their tables `[axes.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ophyd import EpicsSignal, EpicsSignalRO
from ophyd import FormattedComponent as FCpt

from devices.axes.axis import Axis
from devices.axes.positioner_axis import MotorPositionerAxis, PositionerAxis
from devices.axes.record_axis import record_axis
from devices.configuration import RecordAxisSettings
from devices.configuration.axis_class import AxisClass, FoundClass, axis_class
from errors import ConfigurationError


def further_axes(configured: Mapping[str, RecordAxisSettings], *, prefix: str) -> dict[str, Axis]:
    """Return the axes of all tables `[axes.NAME]` by NAME, not connected yet.

    Raises ConfigurationError with every class that could not be built, and why.
    """
    made: dict[str, Axis] = {}
    faults: list[str] = []
    for name, settings in configured.items():
        try:
            made[name] = further_axis(settings, prefix=prefix, name=name)
        except Exception as error:
            # A class of the user's own may raise anything while it is built.
            if not settings.class_path:
                raise
            faults.append(f"[axes.{name}] class_path = {settings.class_path!r}: building it failed: {error!r}.")
    if faults:
        raise ConfigurationError("\n".join([*faults, "Correct the class, or the keys of its table."]))
    return made


def further_axis(settings: RecordAxisSettings, *, prefix: str, name: str) -> Axis:
    """Return the axis of a table, not connected yet: records, or a device of the class that the table names.

    A class derived from `Axis` is built as `cls(settings, prefix=prefix, name=name)`, any other as
    `cls(prefix + pv, name=name)`. Raises InputError for a class path that the check of the configuration refuses.
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
