"""Documents of the current session, received through the relay."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from broadcast.relay import RelayAddresses
from broadcast.subscriber import SILENT_AFTER_S, Subscriber
from gui.live.frame import FeedState
from reduction.types import NamedDocument


class BroadcastFeed:
    """Subscriber of the relay at `addresses`; a function is called whenever the current addresses are needed.

    It may join before or during a run. Connected means that the relay answers and, while a run is open, that its
    session publishes.
    """

    def __init__(
        self, addresses: RelayAddresses | Callable[[], RelayAddresses | None], source: str = "session"
    ) -> None:
        self._addresses = addresses
        self._source = source
        self._subscriber: Subscriber | None = None
        self._opened_at_s = 0.0
        self._last_document_at: float | None = None
        self._lag_s: float | None = None

    @property
    def state(self) -> FeedState:
        """State of the connection to the session, with age and lag of its documents in s."""
        # Three things can be silent: the relay, the session that feeds it, and the run itself. The relay answers or
        # not. A session is missed only while a run is open: between runs no session need be open, and the last run
        # stays valid. A quiet run is not a matter of the connection; `gui.status.liveness` judges it by its dwell.
        subscriber = self._subscriber
        problem = "Not connected yet." if subscriber is None else self._problem(subscriber)
        session_gone = subscriber is not None and bool(subscriber.run) and not _session_is_heard(subscriber)
        return FeedState(
            source=self._source,
            live=True,
            connected=subscriber is not None and subscriber.answers and not session_gone,
            last_document_at=self._last_document_at,
            lag_s=self._lag_s,
            missed=0 if subscriber is None else subscriber.missed,
            remark=problem,
        )

    def open(self) -> None:
        """Subscribe to the relay, in the background; `state` shows whether a relay answers."""
        self._subscriber = Subscriber(self._addresses)
        self._opened_at_s = time.monotonic()
        self._last_document_at = self._lag_s = None

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """Return the documents that the relay has sent, in order; an empty list if nothing came within `timeout_s`, s.

        After a late start or a gap, the documents that were missed come first; documents that are lost for good are
        counted in `state`.
        """
        if self._subscriber is None:
            return []
        # The age grows while nothing comes, the lag says how far the display is behind when something does. A view that
        # opens an hour after a run gets documents that are an hour old, and must not call them new.
        delivery = self._subscriber.take(timeout_s)
        if delivery.documents:
            self._last_document_at = time.monotonic() - (delivery.age_s or 0.0)
            self._lag_s = delivery.lag_s
        return delivery.documents

    def close(self) -> None:
        """End the subscription; age and lag (s) of the last document stay in `state`."""
        if self._subscriber is not None:
            self._subscriber.close()
        self._subscriber = None

    def _problem(self, subscriber: Subscriber) -> str:
        if not subscriber.answers:
            if time.monotonic() - self._opened_at_s < SILENT_AFTER_S:
                return "Connecting to the relay."
            return "The relay does not answer. Start it with `trxas serve`."
        if not _session_is_heard(subscriber):
            return "No session is open. Open one with `trxas ipython`, or connect the beamline for the queue."
        return ""


def _session_is_heard(subscriber: Subscriber) -> bool:
    return subscriber.session_silent_s is not None and subscriber.session_silent_s < 2 * SILENT_AFTER_S
