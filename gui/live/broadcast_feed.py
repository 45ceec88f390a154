"""Documents of the current session, received through the relay."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from broadcast.relay import RelayAddresses
from broadcast.subscriber import SILENT_AFTER_S, Subscriber
from gui.live.frame import FeedState
from reduction.types import NamedDocument


class BroadcastFeed:
    """A subscriber of the relay at `addresses`, or at the addresses that this function returns at the moment.

    It may join before or during a run. Connected means that the relay answers and, while a run is open, that its
    session publishes.
    """

    def __init__(
        self, addresses: RelayAddresses | Callable[[], RelayAddresses | None], source: str = "session"
    ) -> None:
        self._addresses = addresses
        self._source = source
        self._subscriber: Subscriber | None = None
        self._last_document_at: float | None = None
        self._lag_s: float | None = None

    @property
    def state(self) -> FeedState:
        """State of the connection to the session."""
        subscriber = self._subscriber
        problem = "Not connected yet." if subscriber is None else _problem(subscriber)
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
        """Subscribe to the relay."""
        self._subscriber = Subscriber(self._addresses)
        self._last_document_at = self._lag_s = None

    def take(self, timeout_s: float) -> Sequence[NamedDocument]:
        """Return what the relay has sent, after at most `timeout_s`."""
        if self._subscriber is None:
            return []
        delivery = self._subscriber.take(timeout_s)
        if delivery.documents:
            self._last_document_at = time.monotonic()
            self._lag_s = delivery.lag_s
        return delivery.documents

    def close(self) -> None:
        """End the subscription."""
        if self._subscriber is not None:
            self._subscriber.close()
        self._subscriber = None


def _session_is_heard(subscriber: Subscriber) -> bool:
    return subscriber.session_silent_s is not None and subscriber.session_silent_s < 2 * SILENT_AFTER_S


def _problem(subscriber: Subscriber) -> str:
    if not subscriber.answers:
        return "The relay does not answer. Start it with `trxas serve`."
    if not _session_is_heard(subscriber):
        return "No session is open. Open one with `trxas ipython`, or connect the beamline for the queue."
    return ""
