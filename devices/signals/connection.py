"""Connections of signals: waited for together, and completed where two signals share one PV.

Signals of the same PV share one channel object of pyepics, each with callbacks of its own. pyepics calls those of a
channel that connects, then reads the access rights, and only then calls the channel connected. A signal that joins
between the first and the last of these steps is too late for the calls and too early to be called at once: it would
stay disconnected forever beside a channel that works. The wave plate's motor has such signals, as plate and fluence
both move it, and so has every motor that a user opens a second time. Waiting for a signal therefore makes the missed
calls.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import Any

from epics import ca
from ophyd.signal import EpicsSignalBase

SHORTEST_WAIT_S = 0.001
"""Wait for each signal once the time is up: it finds those that have connected meanwhile."""

MISSED_AFTER_S = 1.0
"""Time that a signal's own callbacks have after its channel is connected (chosen: they take milliseconds)."""


def wait_connected(signals: Iterable[EpicsSignalBase], timeout_s: float) -> None:
    """Wait until all `signals` are connected, but no longer than `timeout_s` seconds in all; raise nothing."""
    deadline = time.monotonic() + timeout_s
    for signal in signals:
        left_s = max(deadline - time.monotonic(), SHORTEST_WAIT_S)
        if _connected_within(signal, min(left_s, MISSED_AFTER_S)):
            continue
        _repeat_missed_callbacks(signal)
        _connected_within(signal, max(deadline - time.monotonic(), SHORTEST_WAIT_S))


def one_server(signals: Iterable[EpicsSignalBase]) -> bool:
    """Return whether all `signals` are connected to one server: requests to it are carried out in their order."""
    known = list(signals)
    servers = {ca.host_name(channel.chid) for signal in known if signal.connected for channel in _channels(signal)}
    return len(servers) == 1 and all(signal.connected for signal in known)


def _connected_within(signal: EpicsSignalBase, timeout_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        signal.wait_for_connection(timeout=timeout_s)
    return bool(signal.connected)


def _repeat_missed_callbacks(signal: EpicsSignalBase) -> None:
    """Call the callbacks of `signal` for each of its channels that is connected; a second call changes nothing."""
    for channel in _channels(signal):
        if channel.connected:
            signal._pv_access_callback(channel.read_access, channel.write_access, channel)
            signal._pv_connected(pvname=channel.pvname, conn=True, pv=channel)


def _channels(signal: EpicsSignalBase) -> Iterator[Any]:
    for channel in (getattr(signal, "_read_pv", None), getattr(signal, "_write_pv", None)):
        if channel is not None:
            yield channel
