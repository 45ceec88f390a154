"""A thread that makes calls for libca: its own thread, which reports what has happened, must not wait or read."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

logger = logging.getLogger("trxas.devices")


class CallingThread:
    """Makes the calls that it is given, in their order, in a thread called `name`; `failure` is logged if one fails.

    A call from the thread itself by `call_first` comes before those that wait.
    """

    def __init__(self, name: str, failure: str) -> None:
        self._name = name
        self._failure = failure
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread unless it runs; not in the thread of libca."""
        # A process that was forked has the object of the thread without the thread.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def call(self, function: Callable[[], object]) -> None:
        """Have `function` called soon; any thread may ask."""
        self._calls.put(function)

    def call_first(self, function: Callable[[], object]) -> None:
        """Call `function` now if this is the thread, and have it called soon if not."""
        if threading.current_thread() is self._thread:
            self._make(function)
        else:
            self.call(function)

    def _work(self) -> None:
        while True:
            self._make(self._calls.get())

    def _make(self, function: Callable[[], object]) -> None:
        try:
            function()
        except Exception:
            # Whatever one of them raises, all others wait for this thread too.
            logger.exception(self._failure)
