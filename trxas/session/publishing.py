"""Publishing of a session's documents to the windows."""

from __future__ import annotations

from pathlib import Path

from broadcast.publisher import Publisher
from trxas.announcements.server_file import read_state
from trxas.session.remote_control import RemotelyPausableEngine


def publish(run_engine: RemotelyPausableEngine, root: Path) -> Publisher:
    """Send all documents of `run_engine` to the server of the data folder `root`, which may start later.

    Call it once, after the store has subscribed: documents that are lost on the way are read from the journal. Close
    the returned publisher with the session. A server that is silent or gone raises nothing.
    """
    # The address is asked for again and again, as a server may start after the session, or come back at other ports.
    publisher = Publisher(lambda: _relay(root))
    run_engine.record_with(publisher)
    return publisher


def _relay(root: Path) -> str | None:
    state = read_state(root)
    return None if state is None else state.relay.publish
