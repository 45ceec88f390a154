"""The clocks of the control system beside that of this machine, by the time stamps of values that come in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from trxas.commands.trouble import Trouble

CLOCK_S = 2.0
"""Difference between two clocks that is reported, s; less may be the delay of a value in network and processor."""

WATCH_S = 3.0
"""Time for which values are watched, s: a ring current comes every second."""


def watched_clocks(names: Sequence[str], watch_s: float = WATCH_S) -> dict[str, float]:
    """Return how far the clock of each host is ahead of this machine's, s; negative behind.

    Hosts are those of the PVs `names` that change by themselves within `watch_s`. Nothing is written.
    """
    import epics

    lock = threading.Lock()
    seen: set[str] = set()
    found: dict[str, float] = {}

    def note(pvname: str, timestamp: float, **more: object) -> None:
        arrived_s = time.time()
        with lock:
            # The first value comes with the subscription, and may be as old as the IOC.
            if pvname in seen:
                host = str(more["cb_info"][1].host).partition(":")[0]  # type: ignore[index]
                # The value that came fastest: all others were only later on their way.
                found[host] = max(found.get(host, -float("inf")), timestamp - arrived_s)
            seen.add(pvname)

    # One element each: an image would take seconds.
    watched = [epics.PV(name, form="time", count=1, auto_monitor=True, callback=note) for name in names]
    threading.Event().wait(watch_s)
    for one in watched:
        one.disconnect()
    with lock:
        return dict(found)


def clock_troubles(clocks: Mapping[str, float], stamps_s: Iterable[float]) -> Iterator[Trouble]:
    """Yield a note for each clock that differs from this machine's by more than 2 s.

    `clocks`: lead of each host's clock, s. `stamps_s`: Unix times of all values, which can only show a clock that is
    ahead, as a value may be old.
    """
    differing = {host: ahead_s for host, ahead_s in clocks.items() if abs(ahead_s) > CLOCK_S}
    for host, ahead_s in differing.items():
        yield _trouble(f"The clock of {host}", ahead_s)
    ahead_s = max(stamps_s, default=0.0) - time.time()
    if ahead_s > CLOCK_S and not differing:
        yield _trouble("The clock of an IOC", ahead_s)


def _trouble(whose: str, ahead_s: float) -> Trouble:
    return Trouble(
        subject="clock",
        text=f"{whose} is {abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's clock.",
        remedy="Synchronise both with a time server (`timedatectl` shows which one is not): times of runs, and the "
        "order of values in them, would be wrong.",
        is_fault=False,
    )
