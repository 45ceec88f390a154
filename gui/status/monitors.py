"""Read-only monitors of process variables; what they say is looked at, never waited for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from gui.status.item import Reading, StatusItem


class StatusSource(Protocol):
    """Where device states come from."""

    def reading(self, item: StatusItem) -> Reading:
        """What is known of an item now."""

    def close(self) -> None:
        """Let go of what is monitored."""


class ChannelAccessStatus:
    """Monitors the PVs of `items` over Channel Access; nothing is ever written.

    The environment must name the hosts before this is made. A PV that never answers stays disconnected.
    """

    def __init__(self, items: Sequence[StatusItem]) -> None:
        # Here and not above: without process variables no Channel Access library is needed.
        import epics

        names = dict.fromkeys(name for item in items for name in item.pvs)
        self._latest: dict[str, tuple[float, float]] = {}
        self._pvs = {name: epics.PV(name, callback=self._take, auto_monitor=True) for name in names}

    def reading(self, item: StatusItem) -> Reading:
        """The latest values of the item's PVs; as old as the oldest of them, as far away as the farthest."""
        connected = all(self._pvs[name].connected for name in item.pvs)
        known = [self._latest[name] for name in item.pvs if name in self._latest]
        if len(known) < len(item.pvs):
            return Reading(None, connected, None)
        value = item.convert(tuple(value for value, _ in known))
        return Reading(value, connected, max(at_s for _, at_s in known))

    def close(self) -> None:
        """End the monitors."""
        for pv in self._pvs.values():
            pv.disconnect()

    def _take(self, pvname: str, value: Any, **_: Any) -> None:
        # On Channel Access' own thread: nothing but a hand-over.
        if isinstance(value, int | float):
            self._latest[pvname] = (float(value), time.monotonic())
