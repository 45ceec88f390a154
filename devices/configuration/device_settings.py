"""Tables of further devices, `[devices.NAME]`: any ophyd device by the path of its class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from importlib import import_module
from typing import Annotated, Any

from pydantic.dataclasses import dataclass

from devices.configuration.axis_class import class_at
from devices.configuration.fields import SETTINGS, Fault, OptionalPv, text
from errors import InputError


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class DeviceSettings:
    """A device that is neither an axis nor a detector of trxas, such as the detector of another package's technique.

    It is built as `cls(prefix + pv, name=NAME, **options)`. NAME is its name at the prompt. A session opens without it,
    and a plan that needs it refuses to start.
    """

    class_path: Annotated[str, text("module and class of the device, such as ophyd.EpicsScaler")]
    pv: Annotated[OptionalPv, text("prefix of the PVs of the class")] = ""
    options: Annotated[Mapping[str, Any], text("further arguments of the class, by name")] = field(default_factory=dict)

    def faults(self, table: str = "devices") -> Iterable[Fault]:
        """Yield a fault if the class in the table named `table` cannot be found, or is not an ophyd device."""
        try:
            found = class_at(self.class_path)
        except InputError as error:
            yield Fault(table=table, key="class_path", message=str(error))
            return
        if not issubclass(found, import_module("ophyd").Device):
            message = f"= {self.class_path!r}: is not an ophyd.Device. Give a class derived from it."
            yield Fault(table=table, key="class_path", message=message)
