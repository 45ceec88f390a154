"""Read-only monitors of process variables; the window reads their latest values and never waits for them."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from gui.status.item import Reading, StatusItem
from processes.child import Child, ChildProgram

CHECK_PERIOD_S = 0.5
"""Interval at which the supervisor checks the address of the control system and the reader, s."""

SILENT_S = 5.0
"""A reader without a report for longer is considered dead; a live one reports at least every 0.5 s."""

START_S = 60.0
"""Longest time of a new reader to its first report, s: its library loads slowly on a busy machine."""

CLOSE_TIMEOUT_S = 5.0


class StatusSource(Protocol):
    """A source of device states."""

    def reading(self, item: StatusItem) -> Reading:
        """Return the latest value and state of `item`, in its unit, without waiting."""

    def close(self) -> None:
        """End all monitors."""


class ChannelAccessStatus:
    """Monitors of the PVs of `items` over Channel Access; nothing is ever written.

    `addresses` returns the address list of the control system (the value of EPICS_CA_ADDR_LIST), or None while it is
    unknown; then the environment's list is used. It is called repeatedly, so that a control system that comes back at
    another address is found. A PV that never answers stays disconnected.

    The monitors run in their own process (`gui.status.reader`), because Channel Access reads its address list
    once in the life of a process, and because an error inside its library must not end the window. A thread starts the
    reader again when the addresses change, when it ends, and when it is silent.
    """

    def __init__(self, items: Sequence[StatusItem], addresses: Callable[[], str | None] = lambda: None) -> None:
        self._names = list(dict.fromkeys(name for item in items for name in item.pvs))
        self._addresses = addresses
        self._latest: dict[str, tuple[float, float]] = {}
        self._connected: frozenset[str] = frozenset()
        self._reported_at = 0.0
        self._may_be_silent_s = SILENT_S
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="device monitors", daemon=True)
        self._thread.start()

    def reading(self, item: StatusItem) -> Reading:
        """Return the latest value of `item`, in its unit; it changes with any of its PVs.

        It is connected if all of its PVs are, and if the reader has reported within the last 5 s.
        """
        alive = time.monotonic() - self._reported_at < SILENT_S
        connected = alive and self._connected.issuperset(item.pvs)
        known = [self._latest[name] for name in item.pvs if name in self._latest]
        if len(known) < len(item.pvs):
            return Reading(value=None, connected=connected, at_s=None)
        value = item.convert(tuple(value for value, _ in known))
        return Reading(value=value, connected=connected, at_s=max(at_s for _, at_s in known))

    def close(self) -> None:
        """End the monitors; returns after 5 s at most."""
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _supervise(self) -> None:
        """Run a reader at the current addresses until `close`."""
        reader: Child | None = None
        current: str | None = None
        while not self._closing.is_set():
            # The states of the reader: none, starting, reporting, silent, ended. Each turn, a reader that has ended, is
            # silent for too long, or watches another control system than the current one is killed and replaced. A new
            # one may be silent for longer, until its first report. If the address is not known at the moment, the
            # reader keeps the one that it has: a control system that restarts comes back there in most cases.
            addresses = self._addresses() or current
            silent = time.monotonic() - self._reported_at > self._may_be_silent_s
            if reader is None or addresses != current or reader.exit_code is not None or silent:
                self._end(reader)
                reader = self._begin(addresses)
                current = addresses
            self._closing.wait(CHECK_PERIOD_S)
        self._end(reader)

    def _begin(self, addresses: str | None) -> Child:
        self._reported_at = time.monotonic()
        self._may_be_silent_s = START_S
        program = ChildProgram(
            name="device monitor",
            command=[sys.executable, "-m", "gui.status.reader", *self._names],
            environment={} if addresses is None else {"EPICS_CA_ADDR_LIST": addresses},
            separate_errors=True,
        )
        return Child(program, on_line=self._take_report, on_end=self._forget_connections)

    def _end(self, reader: Child | None) -> None:
        self._forget_connections()
        if reader is not None:
            reader.kill()

    def _take_report(self, line: str) -> None:
        report = json.loads(line)
        now_s = time.monotonic()
        # Runs in the thread that reads the reader's output, while the GUI thread calls `reading`. Each attribute is
        # replaced by a complete new object, which the other thread sees either before or after; no lock is needed. The
        # order is such that a value is there before its PV counts as connected.
        self._latest |= {name: (value, now_s) for name, value in report["values"].items()}
        self._connected = frozenset(report["connected"])
        self._reported_at = now_s
        self._may_be_silent_s = SILENT_S

    def _forget_connections(self) -> None:
        self._connected = frozenset()
