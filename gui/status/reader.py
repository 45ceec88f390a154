"""The process that monitors process variables: `python -m gui.status.reader NAME...`.

It prints a JSON line whenever something has changed, and at least every 0.5 s: `values`, the new ones by name, and
`connected`, the names of all PVs that are connected. It ends with its parent.
"""

from __future__ import annotations

import json
import queue
import sys
import time
from collections.abc import Sequence
from typing import Any

from processes.parent import end_with_parent

PERIOD_S = 0.05
"""Twenty reports a second are more than anyone can see."""

HEARTBEAT_S = 0.5
"""A report is printed at least this often, to show that the process is alive."""

FIRST_VALUE_S = 3.0
"""Longest time of a connected PV without a first value, s, before it is monitored again."""


class FirstValues:
    """Connected PVs whose monitor has not shown a value yet.

    pyepics may lose a monitor that it asks for at the very moment at which its channel connects: the PV is connected
    then, and never has a value.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._since_s: dict[str, float] = {}

    def note_value(self, name: str) -> None:
        """Note that the monitor of a PV works; any thread may call it."""
        self._seen.add(name)

    def overdue(self, connected: Sequence[str], now_s: float) -> list[str]:
        """Return the PVs that have been connected for 3 s without a value; each is named once in 3 s."""
        # A PV that disconnects gets a new monitor from the library at its return, which may be lost again.
        self._seen &= set(connected)
        waiting = set(connected) - self._seen
        self._since_s = {name: self._since_s.get(name, now_s) for name in waiting}
        late = [name for name, since_s in self._since_s.items() if now_s - since_s > FIRST_VALUE_S]
        self._since_s |= dict.fromkeys(late, now_s)
        return late


def monitor(names: Sequence[str]) -> None:
    """Report on the PVs `names` forever: changes within 50 ms, and a sign of life every 0.5 s."""
    import epics

    changes: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
    first_values = FirstValues()

    def take(pvname: str, value: Any, **_: Any) -> None:
        first_values.note_value(pvname)
        if isinstance(value, int | float):
            changes.put((pvname, float(value)))

    def watched(name: str) -> Any:
        return epics.PV(name, callback=take, auto_monitor=True)

    pvs = {name: watched(name) for name in names}
    # The library may crash when a monitor is dropped, so those that were replaced stay.
    replaced = []
    # The window shows disconnections; the library's own messages would only fill the terminal.
    epics.ca.disable_ca_messages()
    before: list[str] = []
    reported_at = 0.0
    while True:
        # All changes since the last report, the latest value of each PV only. The callbacks of Channel Access come in a
        # thread of the library and do nothing but put into a queue.
        values: dict[str, float] = {}
        while not changes.empty():
            name, value = changes.get()
            values[name] = value
        connected = [name for name, pv in pvs.items() if pv.connected]
        for name in first_values.overdue(connected, time.monotonic()):
            replaced.append(pvs[name])
            pvs[name] = watched(name)
        if values or connected != before or time.monotonic() - reported_at > HEARTBEAT_S:
            sys.stdout.write(json.dumps({"values": values, "connected": connected}) + "\n")
            sys.stdout.flush()
            before = connected
            reported_at = time.monotonic()
        time.sleep(PERIOD_S)


if __name__ == "__main__":
    # SIGTERM ends it at once: there is nothing to save, and the end of the library takes long.
    end_with_parent()
    monitor(sys.argv[1:])
