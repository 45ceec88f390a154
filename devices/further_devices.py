"""Building further devices from their tables `[devices.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping

from ophyd import Device

from devices.configuration.axis_class import class_at
from devices.configuration.device_settings import DeviceSettings
from errors import ConfigurationError


def further_devices(configured: Mapping[str, DeviceSettings], *, prefix: str) -> dict[str, Device]:
    """Return the devices of all tables `[devices.NAME]` by NAME, not connected yet.

    Raises ConfigurationError with every class that could not be built, and why.
    """
    made: dict[str, Device] = {}
    faults: list[str] = []
    for name, settings in configured.items():
        try:
            made[name] = class_at(settings.class_path)(prefix + settings.pv, name=name, **settings.options)
        except Exception as error:  # noqa: BLE001  # a class of another package may raise anything while it is built
            faults.append(f"[devices.{name}] class_path = {settings.class_path!r}: building it failed: {error!r}.")
    if faults:
        raise ConfigurationError("\n".join([*faults, "Correct the class, or the keys of its table."]))
    return made
