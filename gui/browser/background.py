"""Work off the GUI thread: answers come back on it, those that nobody waits for any more are dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from qtpy.QtCore import QObject, Signal

from errors import TrxasError

logger = logging.getLogger(__name__)

THREADS = 3
"""The catalogue is opened, the list refreshed and a run reduced; more would compete with the live panels."""


class Background(QObject):
    """Runs functions in threads of its own; `close` it when its owner goes.

    A job has a key, and a later one with the same key makes the earlier one stale: its answer is dropped. What a job
    raises is handed over as words; the unexpected is logged too.
    """

    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="run browser")
        self._latest: dict[Hashable, int] = {}
        self._number = 0
        self._closed = False
        self._ended.connect(self._deliver)

    def ask(
        self, key: Hashable, job: Callable[[], Any], then: Callable[[Any], object], failed: Callable[[str], object]
    ) -> None:
        """Run `job` in a thread, then call `then` with its result, or `failed` with words, on the GUI thread."""
        if self._closed:
            return
        self._number += 1
        number = self._latest[key] = self._number
        self._pool.submit(self._run, key, number, job, then, failed)

    def is_busy(self, key: Hashable) -> bool:
        """Whether the answer of a job with this key is awaited."""
        return key in self._latest

    def close(self) -> None:
        """Drop what waits, and return when what runs has ended."""
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
        if self._latest.get(key) != number:
            return
        try:
            value = job()
        except TrxasError as error:
            self._send(key, number, failed, str(error))
        except Exception as error:  # whatever it is, people must see it and the thread lives on
            logger.exception("A job of the run browser failed.")
            self._send(key, number, failed, f"This failed for an unexpected reason: {error!r}. The log has more.")
        else:
            self._send(key, number, then, value)

    def _send(self, key: Hashable, number: int, receiver: Callable[[Any], object], value: Any) -> None:
        if not self._closed:
            self._ended.emit((key, number, receiver, value))

    def _deliver(self, ended: tuple[Hashable, int, Callable[[Any], object], Any]) -> None:
        key, number, receiver, value = ended
        if self._latest.get(key) == number and not self._closed:
            del self._latest[key]
            receiver(value)
