"""The process that monitors process variables: `python -m gui.status.reader NAME...`.

A JSON line on its output whenever something has changed, and at least every 0.5 s: `values` that are new, by name, and
the names that are `connected`. It ends when its input does.
"""

from __future__ import annotations

import json
import queue
import sys
import time
from collections.abc import Sequence
from typing import Any

from processes.parent import end_with_parent

TELL_EVERY_S, TELL_AT_LEAST_S = 0.05, 0.5
"""Twenty lines a second are more than one can see; without news, one says that it lives."""


def monitor(names: Sequence[str]) -> None:
    """Tell of `names` for ever."""
    import epics

    changes: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()

    def take(pvname: str, value: Any, **_: Any) -> None:
        if isinstance(value, int | float):
            changes.put((pvname, float(value)))

    pvs = [epics.PV(name, callback=take, auto_monitor=True) for name in names]
    # People read of it in the window.
    epics.ca.disable_ca_messages()
    before: list[str] = []
    told_at = 0.0
    while True:
        values: dict[str, float] = {}
        while not changes.empty():
            name, value = changes.get()
            values[name] = value
        connected = [pv.pvname for pv in pvs if pv.connected]
        if values or connected != before or time.monotonic() - told_at > TELL_AT_LEAST_S:
            sys.stdout.write(json.dumps({"values": values, "connected": connected}) + "\n")
            sys.stdout.flush()
            before, told_at = connected, time.monotonic()
        time.sleep(TELL_EVERY_S)


if __name__ == "__main__":
    # SIGTERM ends it at once: there is nothing to save, and the end of the library takes long.
    end_with_parent()
    monitor(sys.argv[1:])
