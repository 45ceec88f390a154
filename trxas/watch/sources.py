"""The documents of a data folder, from whichever server it has at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.live.broadcast_feed import BroadcastFeed
from trxas.announcements.server_file import read_state

if TYPE_CHECKING:
    from pathlib import Path

    from broadcast.relay import RelayAddresses


def live_feed(root: Path) -> BroadcastFeed:
    """Return the documents of the server of the data folder `root`, which may start later or at another address."""

    def addresses() -> RelayAddresses | None:
        state = read_state(root)
        return None if state is None else state.relay

    return BroadcastFeed(addresses, source=f"session in {root}")
