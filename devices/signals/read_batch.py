"""Values of many PVs requested at once through a synchronous group of libca, whose answers wake no Python code.

A read through callbacks costs Python a call per request and another per answer, both under the interpreter's lock: at
twenty PVs several milliseconds. In a synchronous group libca's own thread copies every answer into a buffer, and one
call waits for all of them. What the group cannot read, or has not received, is left out of the result.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import numpy as np
from epics import ca, dbr

HEAD = struct.Struct("=hhII")
"""Start of every value with alarm and time: status, severity, seconds and nanoseconds since EPICS' epoch."""

SCALARS = {
    dbr.SHORT: (dbr.TIME_SHORT, struct.Struct("=14xh")),
    dbr.FLOAT: (dbr.TIME_FLOAT, struct.Struct("=12xf")),
    dbr.ENUM: (dbr.TIME_ENUM, struct.Struct("=14xH")),
    dbr.CHAR: (dbr.TIME_CHAR, struct.Struct("=15xB")),
    dbr.LONG: (dbr.TIME_LONG, struct.Struct("=12xi")),
    dbr.DOUBLE: (dbr.TIME_DOUBLE, struct.Struct("=16xd")),
}
"""Type with time and layout of one value by the type of the channel (db_access.h)."""

ARRAY_OFFSET = 16
"""Bytes before the first element of an array of doubles."""

NO_STATUS = -1
"""Status in a buffer that no answer has reached."""

NO_ELEMENT = np.int64(0x7FF8_0BAD_CAFE_0BAD)
"""Bits of an element that no answer has reached: a NaN that no server sends. The answer may be shorter than the record.
"""

EPICS_EPOCH_S = dbr.EPICS2UNIX_EPOCH


class ChannelAnswer(NamedTuple):
    """Value of a channel with its alarm, and the time stamp of its record, s since the epoch."""

    value: Any
    severity: int
    status: int
    stamp_s: float


class ReadBatch:
    """Requests of `channels` (libca's), which `send` sends together, once, and their answers.

    A channel that is not connected, is of a type that this does not read, or does not answer is left out. Every thread
    that uses it must belong to the context of the channels. Raises nothing.
    """

    # Most of the time of a request goes into what is known long before it is sent: types, and buffers of the answers.

    # The buffers outlive the group: libca writes into them until the group is deleted, which drops late answers.
    # `_OPEN` keeps those of a batch that nobody has closed yet, as freed memory would be written.

    def __init__(self, channels: Iterable[Any]) -> None:
        self._prepared = [request for channel in channels if (request := _request(channel)) is not None]
        self._requests: dict[int, _Request] = {}
        self._group: ctypes.c_ulong | None = None

    def send(self) -> None:
        """Send the requests."""
        group = ctypes.c_ulong()
        if ca.libca.ca_sg_create(ctypes.byref(group)) != dbr.ECA_NORMAL:
            return
        self._group = group
        _OPEN.add(self)
        for request in self._prepared:
            self._send(request)
        ca.libca.ca_flush_io()

    @property
    def addresses(self) -> Collection[int]:
        """Addresses of the channels whose requests were sent."""
        return self._requests.keys()

    @property
    def is_answered(self) -> bool:
        """Whether all answers have come."""
        # libca's own test of a group takes its locks in another order than its other functions, and all of them can
        # come to wait for each other. The thread that receives answers has filled the buffers of those that have come.
        return all(_head(request.buffer)[0] != NO_STATUS for request in self._requests.values())

    def answers(self, timeout_s: float) -> dict[int, ChannelAnswer]:
        """Return the answers that came within `timeout_s` seconds from now, by the addresses of the channels.

        The requests end with this: a second call returns the same answers, and waits for no others.
        """
        if self._group is not None and self._requests:
            ca.libca.ca_sg_block(self._group, ctypes.c_double(timeout_s))
        self.close()
        answers = ((address, _answer(request)) for address, request in self._requests.items())
        return {address: answer for address, answer in answers if answer is not None}

    def close(self) -> None:
        """End the requests; answers that come later are dropped."""
        if self._group is not None:
            ca.libca.ca_sg_delete(self._group)
            self._group = None
            _OPEN.discard(self)

    def _send(self, request: _Request) -> None:
        if request.address in self._requests:
            return
        # A record may have come back with a longer array than its buffer was made for.
        if request.elements == 0 and ca.libca.ca_element_count(request.channel) != request.most_elements:
            return
        sent = ca.libca.ca_sg_array_get(self._group, request.type, request.elements, request.channel, request.buffer)
        if sent == dbr.ECA_NORMAL:
            self._requests[request.address] = request


_OPEN: set[ReadBatch] = set()


class _Request(NamedTuple):
    """A request with the buffer of its answer; 0 `elements` ask for as many elements as the record holds now."""

    channel: Any
    address: int
    type: int
    elements: int
    most_elements: int
    buffer: Any
    layout: struct.Struct | None


def _request(channel: Any) -> _Request | None:
    address = getattr(channel, "value", None)
    if not address or ca.libca.ca_state(channel) != dbr.CS_CONN:
        return None
    native = ca.libca.ca_field_type(channel)
    elements = ca.libca.ca_element_count(channel)
    if native not in SCALARS or (elements != 1 and native != dbr.DOUBLE):
        return None
    # Each buffer begins as one that no answer has reached: after a time-out, the zeros of a fresh buffer would pass for
    # readings. For an array the head is not enough, because an answer may be shorter than the record, so every element
    # is marked too.
    timed, layout = SCALARS[native]
    if elements == 1:
        buffer: Any = ctypes.create_string_buffer(layout.size)
        HEAD.pack_into(buffer, 0, NO_STATUS, 0, 0, 0)
        return _Request(channel, address, timed, 1, 1, buffer, layout)
    buffer = ctypes.create_string_buffer(ARRAY_OFFSET + 8 * elements)
    HEAD.pack_into(buffer, 0, NO_STATUS, 0, 0, 0)
    np.frombuffer(buffer, dtype=np.int64, offset=ARRAY_OFFSET)[:] = NO_ELEMENT
    return _Request(channel, address, timed, 0, elements, buffer, None)


def scalar_answer(buffer: Any, layout: struct.Struct) -> ChannelAnswer | None:
    """Return the number in a buffer of `layout`, with alarm and time stamp; None if no answer has reached it."""
    status, severity, stamp_s = _head(buffer)
    return None if status == NO_STATUS else ChannelAnswer(layout.unpack_from(buffer)[0], severity, status, stamp_s)


def _answer(request: _Request) -> ChannelAnswer | None:
    if request.layout is not None:
        return scalar_answer(request.buffer, request.layout)
    status, severity, stamp_s = _head(request.buffer)
    return None if status == NO_STATUS else ChannelAnswer(_elements(request.buffer), severity, status, stamp_s)


def _head(buffer: Any) -> tuple[int, int, float]:
    """Return status, severity, and the time stamp in s since the epoch."""
    status, severity, seconds, nanoseconds = HEAD.unpack_from(buffer)
    # Whole microseconds, as pyepics gives them: stamps of one record are compared whichever way they were read.
    return status, severity, EPICS_EPOCH_S + seconds + 1e-6 * int(1e-3 * nanoseconds)


def _elements(buffer: Any) -> Any:
    """Return a copy of the elements that the answer has filled, (elements,)."""
    values = np.frombuffer(buffer, dtype=np.float64, offset=ARRAY_OFFSET)
    filled = np.flatnonzero(values.view(np.int64) != NO_ELEMENT)
    return values[: filled[-1] + 1 if filled.size else 0].copy()
