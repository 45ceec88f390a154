"""If these fail, what an exposure posts at once does not reach those who wait for it."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
from caproto import CaprotoValueError, ChannelType, SubscriptionType
from caproto.server import PVGroup, pvproperty

from sim.ioc.records.after_write import after_write
from sim.ioc.records.fields import repost, repost_all

STAMP_S = 1.8e9


class Numbers(PVGroup):
    """Three numbers."""

    plain = pvproperty(value=0.0)
    hooked = pvproperty(value=0.0)
    followed = pvproperty(value=0.0)


def test_numbers_posted_together_have_one_stamp_and_reach_hooks_and_subscribers() -> None:
    numbers = Numbers("")
    seen: list[str] = []
    after_write(numbers.hooked, lambda: seen.append("hook"))

    class Queue:
        async def put(self, _update: object) -> None:
            seen.append("update")

    class Specification:
        db_entry = numbers.followed
        data_type_name = "TIME_DOUBLE"
        mask = SubscriptionType.DBE_VALUE
        channel_filter = type("NoFilter", (), {"sync": None})()

    numbers.followed._queues[Queue()][None]["TIME_DOUBLE"].add(Specification())
    channels = (numbers.plain, numbers.hooked, numbers.followed)
    asyncio.run(repost_all(dict.fromkeys(channels, 2.5), STAMP_S))
    assert [channel.value for channel in channels] == [2.5] * 3
    assert {channel.timestamp for channel in channels} == {STAMP_S}
    assert seen == ["hook", "update"]


class Fields(PVGroup):
    """A number, a text, a choice and an array."""

    number = pvproperty(value=0)
    text = pvproperty(value="", dtype=str)
    choice = pvproperty(value="Done", dtype=ChannelType.ENUM, enum_strings=["Done", "Count"])
    array = pvproperty(value=[0.0, 0.0], max_length=3)


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", 3), ("text", "Br"), ("choice", "Count"), ("array", [1.0, 2.0, 3.0]), ("array", np.array([1.0, 2.0]))],
)
def test_a_field_without_subscribers_is_set_as_caproto_sets_it(field: str, value: object) -> None:
    """Lost: fields whose values have another type than those of the same field that somebody watches."""
    ours = getattr(Fields(""), field)
    theirs = getattr(Fields(""), field)
    asyncio.run(repost(ours, value))
    asyncio.run(theirs.write(value, verify_value=False, update_fields=False))
    np.testing.assert_array_equal(ours.value, theirs.value)
    assert type(ours.value) is type(theirs.value)
    assert abs(ours.timestamp - time.time()) < 60


def test_an_array_that_is_too_long_is_refused_whether_or_not_somebody_watches() -> None:
    with pytest.raises(CaprotoValueError, match="too large"):
        asyncio.run(repost(Fields("").array, [0.0] * 4))
