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


def monitor(names: Sequence[str]) -> None:
    """Report on the PVs `names` forever: changes within 50 ms, and a sign of life every 0.5 s."""
    import epics

    changes: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()

    def take(pvname: str, value: Any, **_: Any) -> None:
        if isinstance(value, int | float):
            changes.put((pvname, float(value)))

    pvs = [epics.PV(name, callback=take, auto_monitor=True) for name in names]
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
        connected = [pv.pvname for pv in pvs if pv.connected]
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
