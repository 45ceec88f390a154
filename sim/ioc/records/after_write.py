"""A hook after writes to a channel, which caproto does not have."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def after_write(channel: Any, act: Callable[[], Any]) -> None:
    """Call `act`, and await it if it is a coroutine, after each change of `channel`; raises what `act` raises.

    caproto has a putter, which sees the writes of clients before they take effect, and no hook for changes.
    """
    # Every change, of a client or of the server, ends in `write`, so the method of this one channel is replaced.
    write = channel.write

    async def write_and_act(*args: Any, **options: Any) -> Any:
        result = await write(*args, **options)
        pending = act()
        if inspect.isawaitable(pending):
            await pending
        return result

    channel.write = write_and_act
