"""Jobs in their own threads; their results come back to the GUI thread, unless they are out of date."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from qtpy.QtCore import QObject, Signal

from errors import TrxasError
from reduction.scipy_parts import import_scipy_parts

logger = logging.getLogger(__name__)

THREADS = 3
"""Enough to open the catalogue, refresh the list and reduce a run at once; more would slow the live panels."""


class Background(QObject):
    """Threads that run functions. Call `close` when the owner closes.

    Each job has a key; a later job with the same key makes the earlier one obsolete, and its result is dropped. The
    error of a job is delivered as a message; unexpected errors are also logged.
    """

    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        import_scipy_parts()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="run browser")
        self._latest: dict[Hashable, int] = {}
        self._number = 0
        self._closed = False
        self._ended.connect(self._deliver)

    def ask(
        self, key: Hashable, job: Callable[[], Any], then: Callable[[Any], object], failed: Callable[[str], object]
    ) -> None:
        """Run `job` in a thread; then call, in the GUI thread, `then` with its result or `failed` with a message.

        `failed` is called if `job` raises anything. Neither is called once a later job has the same key, or after
        `close`.
        """
        if self._closed:
            return
        self._number += 1
        number = self._latest[key] = self._number
        self._pool.submit(self._run, key, number, job, then, failed)

    def is_busy(self, key: Hashable) -> bool:
        """Return whether a job with this key is running or waiting."""
        return key in self._latest

    def close(self) -> None:
        """Cancel waiting jobs; return when the running ones have ended, which may take seconds."""
        self._closed = True
        self._latest.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(
        self,
        key: Hashable,
        number: int,
        job: Callable[[], Any],
        then: Callable[[Any], object],
        failed: Callable[[str], object],
    ) -> None:
        # Two threads use `_latest`: the GUI thread writes it, the threads of the pool only read it. A job is skipped
        # here if a later one with its key was asked for while it waited in the pool. One that became obsolete while it
        # ran is caught in `_deliver`. Only `_deliver` decides for good, because it runs in the GUI thread, where
        # nothing can change between its check and the call of the receiver.
        if self._latest.get(key) != number:
            return
        try:
            value = job()
        except TrxasError as error:
            self._send(key, number, failed, str(error))
        except Exception as error:  # the user must see any error, and the thread must survive it
            logger.exception("A job of the run browser failed.")
            self._send(key, number, failed, f"Unexpected error (see the terminal): {error!r}")
        else:
            self._send(key, number, then, value)

    def _send(self, key: Hashable, number: int, receiver: Callable[[Any], object], value: Any) -> None:
        if not self._closed:
            self._ended.emit((key, number, receiver, value))

    # Runs in the GUI thread: Qt queues a signal that was emitted in another thread. A result may therefore arrive after
    # `close`, or after a later job of the same key, and must then be dropped: its receiver would show old data, or
    # touch widgets that are gone.
    def _deliver(self, ended: tuple[Hashable, int, Callable[[Any], object], Any]) -> None:
        key, number, receiver, value = ended
        if self._latest.get(key) == number and not self._closed:
            del self._latest[key]
            receiver(value)
