"""Monitors of numbers through libca itself: an update costs a tenth of what it costs through pyepics and ophyd.

A scan follows a dozen PVs, of which three or four change at every step, just when the step is judged or the next one
begins. Through pyepics and ophyd each update takes 0.3 ms of the interpreter that does this.
"""

from __future__ import annotations

import ctypes
import logging
import queue
import struct
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from epics import ca, dbr

from devices.signals.read_batch import CONNECTED, SCALARS, Answer, scalar_answer

MASK = dbr.DBE_VALUE | dbr.DBE_ALARM
"""Updates at changes of the value and of the alarm."""

logger = logging.getLogger("trxas.devices")


class _Monitor(NamedTuple):
    """A subscription: how an update is laid out, who is called, and libca's name of it."""

    layout: struct.Struct
    arrived: Callable[[Answer], None]
    event: ctypes.c_void_p


def subscribe(channel: Any, arrived: Callable[[Answer], None]) -> bool:
    """Call `arrived` with every update of libca's `channel`, the first with its present value, and return true.

    The calls come from one thread for all monitors, for as long as the channel lives, also after it was disconnected.
    Return false, having done nothing, unless the channel is connected and a single number. The calling thread must
    belong to the context of the channel. Raises CASeverityException for a channel that has just broken.
    """
    libca = ca.libca
    native = libca.ca_field_type(channel)
    if libca.ca_state(channel) != CONNECTED or native not in SCALARS or libca.ca_element_count(channel) != 1:
        return False
    timed, layout = SCALARS[native]
    monitor = _Monitor(layout, arrived, ctypes.c_void_p())
    UPDATES.expect(monitor)
    made = libca.ca_create_subscription(
        timed, 1, channel, MASK, _UPDATED, ctypes.py_object(monitor), ctypes.byref(monitor.event)
    )
    if made != dbr.ECA_NORMAL:
        raise ca.CASeverityException("create_subscription", ca.message(made))
    libca.ca_flush_io()
    return True


class _Updates:
    """Thread that hands on the updates of all monitors, in their order; libca's own thread must not wait or read."""

    # libca holds no reference to what it is given, so `_monitors` does, for as long as the process lives: a channel of
    # a session that was closed may still have an update under way.

    def __init__(self) -> None:
        self._monitors: list[_Monitor] = []
        self._arrived: queue.SimpleQueue[tuple[_Monitor, bytes]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def expect(self, monitor: _Monitor) -> None:
        """Keep `monitor`, and have a thread that hands on its updates."""
        self._monitors.append(monitor)
        # A process that was forked has the object of the thread without the thread.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="monitors", daemon=True)
            self._thread.start()

    def add(self, monitor: _Monitor, update: bytes) -> None:
        """Have an update handed on; this is the thread of libca."""
        self._arrived.put((monitor, update))

    def _work(self) -> None:
        while True:
            monitor, update = self._arrived.get()
            try:
                answer = scalar_answer(update, monitor.layout)
                if answer is not None:
                    monitor.arrived(answer)
            except Exception:
                logger.exception("What follows a PV has failed")


UPDATES = _Updates()
"""The updates of this process."""


def _updated(arguments: Any) -> None:
    if arguments.status == dbr.ECA_NORMAL and arguments.raw_dbr:
        monitor = arguments.usr
        UPDATES.add(monitor, ctypes.string_at(arguments.raw_dbr, monitor.layout.size))


_UPDATED = dbr.make_callback(_updated, dbr.event_handler_args)
