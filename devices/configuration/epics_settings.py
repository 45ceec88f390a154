"""How to reach the control system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, quantity, text


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class EpicsSettings:
    """How to reach the control system.

    `address_list` becomes EPICS_CA_ADDR_LIST (hosts and ports separated by spaces); `prefix` is put in front of every
    PV name.
    """

    address_list: Annotated[str, text("hosts and ports of the servers, separated by spaces")] = "127.0.0.1"
    prefix: Annotated[str, text("prefix of every PV name")] = ""
    connection_timeout_s: Annotated[float, quantity("time to connect", "s", above=0.0, high=600.0)] = 5.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for a prefix with a space, which no name of a PV has."""
        if len(self.prefix.split()) > 1 or self.prefix != self.prefix.strip():
            message = f"= {self.prefix!r}: names of PVs have no spaces. Remove them."
            yield Fault(table="epics", key="prefix", message=message)
