"""The class of a detector, found by its path and checked before anything connects."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from devices.configuration.axis_class import class_at
from errors import InputError


def check_detector_class(path: str, fields: Iterable[str]) -> None:
    """Raise InputError unless the class at `path` is an ophyd device that has the attributes `fields`.

    The message continues the name of a key: it begins with the value.
    """
    device = class_at(path)
    # Imported here, not above: only a file that names a class needs ophyd while it is read.
    if not issubclass(device, import_module("ophyd").Device):
        raise InputError(
            f"= {path!r}: is not an ophyd device. Give a subclass of ophyd.Device, such as ophyd.EpicsScaler."
        )
    for field in fields:
        if not _has(device, field):
            known = list(device.component_names)
            close = difflib.get_close_matches(field, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else f" Known: {', '.join(known)}."
            raise InputError(f"= {path!r}: has no attribute {field}, but `fields` names it.{hint}")


def _has(device: Any, dotted: str) -> bool:
    """Return whether a device class has the component with this dotted name."""
    for name in dotted.split("."):
        component = getattr(device, name, None)
        if component is None:
            return False
        # The components of a DynamicDeviceComponent, as the channels of a scaler, are those of the class it makes.
        device = getattr(component, "cls", component)
    return True
