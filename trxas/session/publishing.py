"""The session's documents on their way to the windows."""

from __future__ import annotations

from pathlib import Path

from broadcast.publisher import Publisher
from trxas.announcements.server_file import read_state
from trxas.session.remote_control import RemotelyPausableEngine


def publish(run_engine: RemotelyPausableEngine, root: Path) -> Publisher:
    """Send everything that `run_engine` emits to whoever serves the data folder `root`, now or later.

    Call it once, after the store has subscribed: what the wire loses is read from the journal. Close the publisher
    with the session.
    """
    publisher = Publisher(lambda: _relay(root))
    run_engine.record_with(publisher)
    return publisher


def _relay(root: Path) -> str | None:
    state = read_state(root)
    return None if state is None else state.relay.publish
