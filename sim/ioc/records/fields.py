"""Changes of record fields by the server itself: before it runs, and without the checks for clients."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from caproto import TimeStamp
from caproto.server import pvproperty

from sim.errors import SimulationInputError

LONG_ARRAYS_WAITING = 10
"""Updates of a long array that wait for a slow client; it needs the latest only."""

PLAIN_TYPES = (float, int, str)
"""Types of values that caproto keeps as they are."""

DESCRIPTION_LENGTH = 40
"""Longest DESC, characters (EPICS dbCommon)."""


def check_description(name: str, description: str) -> None:
    """Raise SimulationInputError if the `description` of record `name` is too long for EPICS, 40 characters."""
    if len(description) > DESCRIPTION_LENGTH:
        raise SimulationInputError(
            f"{name}: EPICS keeps {DESCRIPTION_LENGTH} characters of a description; shorten {description!r}"
        )


def acting(record: pvproperty, fields: Iterable[str]) -> pvproperty:
    """Return `record`, whose group receives writes to these `fields` by its method `write_field(name, value)`."""
    for name in fields:
        getattr(record.fields, name).putter(_write_field)
    return record


async def _write_field(fields: Any, field: Any, value: Any) -> Any:
    return await fields.parent.group.write_field(field.pvspec.name, value)


def preset(channel: Any, **data: Any) -> None:
    """Set value and metadata (`value`, `units`, `precision`, limits) of a channel that is not served yet.

    caproto's own setters are coroutines, and records are built before there is an event loop. Raises KeyError for
    metadata that the channel does not have.
    """
    # caproto accepts any key here and would serve nothing of it: a misspelt one must not pass silently.
    unknown = set(data) - set(channel._data)
    if unknown:
        raise KeyError(f"{channel.pvname} has no {sorted(unknown)}")
    channel._data.update(data)


def resize(channel: Any, value: list[float]) -> None:
    """Set value and length of an array channel that is not served yet."""
    channel._max_length = len(value)
    preset(channel, value=value)


def lengthen(channel: Any, length: int) -> None:
    """Let an array channel that is not served yet hold up to `length` numbers, with few of them waiting for a client.

    A thousand waiting updates of a long array, which is caproto's default, could fill the memory.
    """
    channel._max_length = length
    channel.max_subscription_backlog = LONG_ARRAYS_WAITING


def show_metadata(pvdb: Mapping[str, Any]) -> None:
    """Let the fields DESC, EGU, PREC and the limits of all records show the declaration of the record.

    caproto leaves EGU empty and fills in the others on reads only, so that monitors would show nothing.
    """
    # DRVH and DRVL follow the control limits, HOPR and LOPR too: the simulation does not distinguish what may be set
    # from what is displayed.
    for record in set(pvdb.values()):
        declared = {
            "DESC": (record.__doc__ or "")[:DESCRIPTION_LENGTH],
            "EGU": getattr(record, "units", None),
            "PREC": getattr(record, "precision", None),
            "HOPR": getattr(record, "upper_ctrl_limit", None),
            "LOPR": getattr(record, "lower_ctrl_limit", None),
            "DRVH": getattr(record, "upper_ctrl_limit", None),
            "DRVL": getattr(record, "lower_ctrl_limit", None),
        }
        for name, value in declared.items():
            if value is not None and name in getattr(record, "fields", {}):
                preset(record.fields[name], value=value)


async def repost_all(values: Mapping[Any, Any], stamp_s: float) -> None:
    """Set channels with one time stamp, s, and notify subscribers, changed or not: as of one processing."""
    stamp = TimeStamp.from_flexible_value(stamp_s)
    for channel, value in values.items():
        await _set(channel, value, stamp)


async def post(channel: Any, value: Any) -> None:
    """Set a field and notify its subscribers if it changes; limits and putters, which are for clients, do not apply."""
    if channel.value != value:
        await repost(channel, value)


async def repost(channel: Any, value: Any) -> None:
    """Set a field, with the time of now, and notify its subscribers, changed or not."""
    await _set(channel, value, TimeStamp.from_flexible_value(time.time()))


async def _set(channel: Any, value: Any, stamp: TimeStamp) -> None:
    # caproto's way of writing takes 30 us and more, most of it for what concerns subscribers and clients. A step of a
    # scan sets about sixty fields, few of which have a subscriber.
    if _is_plain(channel, value):
        channel._data.update(value=value, timestamp=stamp)
    else:
        await channel.write(value, verify_value=False, update_fields=False, timestamp=stamp)


def _is_plain(channel: Any, value: Any) -> bool:
    """Return whether setting `value` and time is all that caproto would do: nobody subscribes, nothing to convert."""
    # `after_write` replaces the method of a channel, and an alarm may wait for the next write.
    if channel._queues or "write" in vars(channel) or channel._status is not None:
        return False
    if type(value) is list:
        return bool(1 < len(value) <= channel.max_length)
    return bool(channel.max_length == 1) and type(value) in PLAIN_TYPES
