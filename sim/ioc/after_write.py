"""A hook after writes to a channel, which caproto does not have."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def after_write(channel: Any, act: Callable[[], Any]) -> None:
    """Have `act` called, and awaited if it is a coroutine, after each change of a channel."""
    write = channel.write

    async def write_and_act(*args: Any, **options: Any) -> Any:
        result = await write(*args, **options)
        pending = act()
        if inspect.isawaitable(pending):
            await pending
        return result

    channel.write = write_and_act
