"""The class of a further axis, found by its path and checked before anything connects."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any

from errors import InputError

PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


class AxisClass(Enum):
    """Kinds of classes that drive an axis; the kind decides how the axis is built."""

    MOTOR = "an ophyd motor record, built from the beginning of its PVs"
    POSITIONER = "a subclass of ophyd.PVPositioner with PVs of its own"
    WITHOUT_PVS = "ophyd.PVPositioner or PVPositionerPC itself, whose PVs come from the table"
    OWN = "a subclass of devices.axes.axis.Axis, built from the table"


@dataclass(frozen=True, kw_only=True)
class FoundClass:
    """A class with its kind."""

    device: Any
    kind: AxisClass


def axis_class(path: str) -> FoundClass:
    """Return the class at `path`, "module.Class"; raise InputError unless it can be an axis.

    The message continues the name of a key: it begins with the value.
    """
    device = class_at(path)
    # Imported here, not above: the settings know the devices only if a table names a class, and a window that shows no
    # such axis need not import ophyd.
    ophyd = import_module("ophyd")
    own = import_module("devices.axes.axis").Axis
    if issubclass(device, own) and device is not own:
        return FoundClass(device=device, kind=AxisClass.OWN)
    if issubclass(device, ophyd.EpicsMotor):
        return FoundClass(device=device, kind=AxisClass.MOTOR)
    if device in (ophyd.PVPositioner, ophyd.PVPositionerPC):
        return FoundClass(device=device, kind=AxisClass.WITHOUT_PVS)
    if issubclass(device, ophyd.PVPositioner) and "setpoint" in device.component_names:
        return FoundClass(device=device, kind=AxisClass.POSITIONER)
    raise InputError(
        f"= {path!r}: is not an axis. Give ophyd.EpicsMotor, ophyd.PVPositioner, a subclass of them with a set "
        "point, or a subclass of devices.axes.axis.Axis."
    )


def class_at(path: str) -> Any:
    """Return the class at `path`, "module.Class"; otherwise raise InputError, whose message begins with the value."""
    if not PATH.fullmatch(path):
        raise InputError(f"= {path!r}: is not a class path. Give module and class, such as ophyd.EpicsMotor.")
    module_name, _, name = path.rpartition(".")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"= {path!r}: there is no module {error.name}. Install the package that has it, or correct the path."
        ) from error
    except Exception as error:
        # A module of the user's own may raise anything while it is imported.
        raise InputError(f"= {path!r}: importing {module_name} failed: {error!r}. Correct the module.") from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        classes = [one for one in dir(module) if not one.startswith("_") and isinstance(getattr(module, one), type)]
        close = difflib.get_close_matches(name, classes, n=1)
        hint = f" Did you mean {close[0]}?" if close else " Correct the path."
        raise InputError(f"= {path!r}: {module_name} has no class {name}.{hint}")
    return found


def readback_suffix(path: str) -> str | None:
    """Return the suffix that the class at `path` appends to its first PV name to read the position; None if unknown.

    Raises InputError as `axis_class` does.
    """
    found = axis_class(path)
    attribute = "user_readback" if found.kind is AxisClass.MOTOR else "readback"
    component = getattr(found.device, attribute, None)
    # A formatted name may depend on anything that the class knows.
    plain = component is not None and not isinstance(component, import_module("ophyd").FormattedComponent)
    suffix: str | None = getattr(component, "suffix", None)
    return suffix if plain else None
