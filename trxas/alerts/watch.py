"""What the alerts watch: documents of the relay, free space, and the result of the run."""

from __future__ import annotations

import queue
import shutil
import time
from typing import TYPE_CHECKING, Any

from trxas.alerts.limiter import Limiter
from trxas.alerts.rules import Rules
from trxas.watch.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gui.live.feed import Feed
    from gui.live.frame import FeedState
    from reduction.types import NamedDocument
    from trxas.alert_settings import AlertSettings
    from trxas.alerts.rules import Alert

MEGABYTE = 1e6


class CopyingFeed:
    """A feed whose documents are also put into the queue `copies`."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.copies: queue.SimpleQueue[tuple[str, Mapping[str, Any]]] = queue.SimpleQueue()

    @property
    def state(self) -> FeedState:
        """State of the source."""
        return self._feed.state

    def open(self) -> None:
        """Open the feed; raises what it raises."""
        self._feed.open()

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """Return the documents of the feed within `timeout_s`, s, and copy them."""
        taken = self._feed.take(timeout_s)
        # In the thread of the feed: the copies wait for `turn`, so rules need no lock.
        for document in taken:
            self.copies.put(document)
        return taken

    def close(self) -> None:
        """Close the feed; raises what it raises."""
        self._feed.close()


class AlertWatch:
    """Watches the runs of `feed` and the space in `root`; every alert that may be sent goes to `send`.

    Call `turn` about once a second.
    """

    def __init__(self, settings: AlertSettings, root: Path, feed: Feed, send: Callable[[Alert], object]) -> None:
        self._settings = settings
        self._root = root
        self._feed = CopyingFeed(feed)
        self._send = send
        self._rules = Rules(settings)
        self._limiter = Limiter(settings)
        self._watcher = Watcher(self._feed)

    def start(self) -> None:
        """Start to take documents; raises RuntimeError when it was started before."""
        self._watcher.start()

    def stop(self) -> None:
        """Stop taking documents; raises NotConnectedError if the feed does not close within 5 s."""
        self._watcher.stop()

    def turn(self) -> None:
        """Evaluate what has arrived since the last turn, and send the alerts for it; raises what `send` raises."""
        now_s = time.time()
        found: list[Alert] = []
        while not self._feed.copies.empty():
            name, doc = self._feed.copies.get()
            found += self._rules.take(name, doc, now_s)
        free_mb = shutil.disk_usage(self._root).free / MEGABYTE
        found += self._rules.tick(now_s, free_mb=free_mb, session_is_heard=self._feed.state.connected)
        # A reduction costs processor time, so it is asked for only if there is an aim.
        if self._settings.aim_percent > 0.0:
            found += self._rules.aim(self._watcher.headline())
        for alert in found:
            if (allowed := self._limiter.passed(alert, now_s)) is not None:
                self._send(allowed)
