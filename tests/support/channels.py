"""Channels of the Channel Access client in this process: how many there are, and their release.

libca searches for a channel until its server answers, for as long as the process lives. A test process that holds on
to the channels of servers that have ended soon searches for thousands of names, and then does not find a new server in
time. So the channels of a test module are released once its servers have ended.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from types import ModuleType
from typing import Any

from tests.support.waiting import WAIT_S


def _libca() -> ModuleType | None:
    """The client of pyepics, or None if nothing in this process has used it."""
    ca = sys.modules.get("epics.ca")
    return ca if ca is not None and ca.libca is not None else None


def open_channels() -> list[str]:
    """Return the names of all channels that this process holds, connected or searched for."""
    ca = _libca()
    return [] if ca is None else sorted(entry.pvname for entry in list(ca._chid_cache.values()))


def release_channels() -> None:
    """Release all channels of this process; no PV object made before may be used afterwards.

    pyepics shares a channel among all PV objects of one name, and each of them cancels its own subscription when it is
    collected. libca frees the subscriptions of a channel together with the channel, so cancelling one later would be a
    use after free, and so is any other use of it. Hence this order: callbacks are taken away, so that none begins; the
    threads of ophyd end what they do with a channel; every PV object gives up its subscription; the channels are
    cleared, which waits for callbacks under way; the PV objects forget their channels.
    """
    ca = _libca()
    if ca is None:
        return
    if ca.current_context() is None:
        ca.use_initial_context()
    entries = list(ca._chid_cache.values())
    pvs = [pv for entry in entries for pv in _users(entry)]
    for entry in entries:
        entry.callbacks.clear()
        entry.access_event_callback.clear()
    _idle_threads()
    for pv in pvs:
        pv._clear_auto_monitor_subscription()
    sys.modules["epics.pv"]._PVcache_.clear()
    for entry in entries:
        ca.clear_channel(entry.chid)
    for pv in pvs:
        pv.connected = False
        pv.chid = None
    ca.flush_io()


def _idle_threads() -> None:
    """Wait until no thread of ophyd uses a channel: what is in their queues is dropped, what has begun ends.

    Some may wait 10 s for the metadata of a record whose server has ended.
    """
    shim = sys.modules.get("ophyd._pyepics_shim")
    dispatcher = None if shim is None else shim.get_dispatcher()
    if dispatcher is None:
        return
    threads = list(dispatcher.threads.values())
    for thread in threads:
        with contextlib.suppress(queue.Empty):
            while True:
                thread.queue.get_nowait()
    # Some threads share a queue; one that waits at the barrier cannot take the place of another one.
    idle = threading.Barrier(len(threads) + 1)
    for thread in threads:
        thread.queue.put((idle.wait, (WAIT_S,), {}))
    idle.wait(WAIT_S)


def _users(entry: Any) -> list[Any]:
    """The PV objects of a channel, known by their connection callbacks."""
    return [callback.__self__ for callback in list(entry.callbacks) if hasattr(callback, "__self__")]
