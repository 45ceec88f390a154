"""Writes of numbers with completion through libca itself: those of one move leave in one packet.

A write through ophyd and pyepics takes a third of a millisecond, most of it to inform subscribers of the setpoint and
to wait for events, and leaves in a packet of its own. The setpoints of a move are thus half a millisecond apart.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from epics import ca, dbr

from devices.signals.calling_thread import CallingThread

NUMBERS: dict[int, type] = {
    dbr.SHORT: int,
    dbr.ENUM: int,
    dbr.CHAR: int,
    dbr.LONG: int,
    dbr.FLOAT: float,
    dbr.DOUBLE: float,
}
"""Types of channels that this writes, with the type of Python's number."""


class Write(NamedTuple):
    """One write: libca's channel, the number, and what is called when the server reports completion.

    A completion is known by the identity of `done`, so each write has one of its own.
    """

    channel: Any
    value: float
    done: Callable[[], None]


def is_number(channel: Any, value: object) -> bool:
    """Return whether `write_batch` can write `value` to a channel: a number, to one that is connected and writable."""
    libca = ca.libca
    return (
        isinstance(value, int | float)
        and libca.ca_state(channel) == dbr.CS_CONN
        and libca.ca_field_type(channel) in NUMBERS
        and libca.ca_element_count(channel) == 1
        and bool(libca.ca_write_access(channel))
    )


def write_batch(writes: Sequence[Write]) -> None:
    """Send all `writes`, which `is_number` has accepted, in one packet; each completion is called on a thread.

    The thread is the same for all, and may read. A channel that disconnects completes its write too. The calling thread
    must belong to the context of the channels. Raises CASeverityException for a channel that has just broken.
    """
    try:
        for write in writes:
            native = ca.libca.ca_field_type(write.channel)
            number = (dbr.Map[native] * 1)(NUMBERS[native](write.value))
            COMPLETIONS.expect(write.done)
            sent = ca.libca.ca_array_put_callback(
                native, 1, write.channel, number, _COMPLETED, ctypes.py_object(write.done)
            )
            if sent != dbr.ECA_NORMAL:
                COMPLETIONS.forget(write.done)
                raise ca.CASeverityException("put", ca.message(sent))
    finally:
        ca.libca.ca_flush_io()


class Completions:
    """Writes on their way, and the thread that calls what waits for their completion."""

    # libca holds no reference to what it is given, so `_expected` does, until the completion.

    def __init__(self) -> None:
        self._expected: dict[int, Callable[[], None]] = {}
        self._thread = CallingThread("put completions", "What waited for the completion of a write has failed")

    def expect(self, done: Callable[[], None]) -> None:
        """Keep `done`, which no other write has, until its completion is reported."""
        self._expected[id(done)] = done
        self._thread.start()

    def forget(self, done: Callable[[], None]) -> None:
        """Do not expect `done` any more: its write was not sent."""
        self._expected.pop(id(done), None)

    def report(self, done: Callable[[], None]) -> None:
        """Have `done` called; this is the thread of libca."""
        self.forget(done)
        self._thread.call(done)

    def call(self, function: Callable[[], object]) -> None:
        """Have `function` called on the thread, where it may read: at once if this is it."""
        self._thread.start()
        self._thread.call_first(function)


COMPLETIONS = Completions()
"""The completions of this process."""


def _completed(arguments: Any) -> None:
    COMPLETIONS.report(arguments.usr)


_COMPLETED = dbr.make_callback(_completed, dbr.event_handler_args)
