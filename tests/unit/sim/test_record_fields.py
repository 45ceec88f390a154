"""If these fail, what an exposure posts at once does not reach those who wait for it."""

from __future__ import annotations

import asyncio

from caproto import SubscriptionType
from caproto.server import PVGroup, pvproperty

from sim.ioc.records.after_write import after_write
from sim.ioc.records.fields import repost_all

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
