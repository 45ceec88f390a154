"""Read-only monitors of process variables; what they say is looked at, never waited for."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from gui.status.item import Reading, StatusItem
from processes.child import Child, ChildProgram

LOOK_AGAIN_S = 0.5
"""How often it is asked whether the control system is elsewhere, and whether the reader lives."""

SILENT_S = 5.0
"""A reader that has not been heard for so long is taken for dead; it tells something every 0.5 s."""

START_S = 60.0
"""So long a reader may be silent before its first word: on a loaded machine its library takes long to load."""

CLOSE_TIMEOUT_S = 5.0


class StatusSource(Protocol):
    """Where device states come from."""

    def reading(self, item: StatusItem) -> Reading:
        """What is known of an item now."""

    def close(self) -> None:
        """Let go of what is monitored."""


class ChannelAccessStatus:
    """Monitors the PVs of `items` over Channel Access; nothing is ever written.

    `addresses` tells where the control system is, as EPICS_CA_ADDR_LIST, None as long as nobody knows: then where the
    environment says. It is asked again all the time, and a control system that comes back elsewhere is found. A PV that
    never answers stays disconnected.

    The monitors are a process of their own: Channel Access reads its addresses once in the life of a process, and what
    goes wrong inside its library does not end the window.
    """

    def __init__(self, items: Sequence[StatusItem], addresses: Callable[[], str | None] = lambda: None) -> None:
        self._names = list(dict.fromkeys(name for item in items for name in item.pvs))
        self._addresses = addresses
        self._latest: dict[str, tuple[float, float]] = {}
        self._connected: frozenset[str] = frozenset()
        self._heard_at, self._may_be_silent_s = 0.0, SILENT_S
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="device monitors", daemon=True)
        self._thread.start()

    def reading(self, item: StatusItem) -> Reading:
        """The latest values of the item's PVs; as old as the oldest of them, as far away as the farthest."""
        heard = time.monotonic() - self._heard_at < SILENT_S
        connected = heard and self._connected.issuperset(item.pvs)
        known = [self._latest[name] for name in item.pvs if name in self._latest]
        if len(known) < len(item.pvs):
            return Reading(None, connected, None)
        value = item.convert(tuple(value for value, _ in known))
        return Reading(value, connected, max(at_s for _, at_s in known))

    def close(self) -> None:
        """End the monitors."""
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _supervise(self) -> None:
        """Keep a reader at the addresses that hold now."""
        reader: Child | None = None
        at: str | None = None
        while not self._closing.is_set():
            told = self._addresses() or at
            silent = time.monotonic() - self._heard_at > self._may_be_silent_s
            if reader is None or told != at or reader.exit_code is not None or silent:
                self._end(reader)
                reader, at = self._begin(told), told
            self._closing.wait(LOOK_AGAIN_S)
        self._end(reader)

    def _begin(self, addresses: str | None) -> Child:
        self._heard_at, self._may_be_silent_s = time.monotonic(), START_S
        program = ChildProgram(
            name="device monitor",
            command=[sys.executable, "-m", "gui.status.reader", *self._names],
            environment={} if addresses is None else {"EPICS_CA_ADDR_LIST": addresses},
            separate_errors=True,
        )
        return Child(program, on_line=self._take, on_end=self._forget_connections)

    def _end(self, reader: Child | None) -> None:
        self._forget_connections()
        if reader is not None:
            reader.kill()

    def _take(self, line: str) -> None:
        report = json.loads(line)
        now_s = time.monotonic()
        self._latest |= {name: (value, now_s) for name, value in report["values"].items()}
        self._connected, self._heard_at = frozenset(report["connected"]), now_s
        self._may_be_silent_s = SILENT_S

    def _forget_connections(self) -> None:
        self._connected = frozenset()
