"""Cataloguing during a run: documents go into a queue, from which a thread writes them into the catalogue.

The thread also opens the catalogue, some seconds after the session is there or before the first plan, whichever is
earlier. Opening takes 2 to 4 s, most of it for imports. Python's imports are not safe on two threads at once: a package
that is half imported on one thread fails on the other. So plans and lines at the prompt wait for the opening.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from errors import StorageError
from processes.garbage import exempt_lasting_objects
from storage.documents import RunOfDocument
from storage.records import unpack_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from storage.catalogue import Catalogue
    from storage.journal import Journal
    from storage.run_writer import RunWriter

logger = logging.getLogger(__name__)

_END = object()
_OPEN = object()

_OPENED_AFTER_S = 3.0
"""Time after which the catalogue is opened without a run, s: the prompt is there by then, and the first run is not."""

_LONGEST_OPENING_S = 60.0
"""Longest wait for the catalogue, s, on a slow machine; code that needs it later reports why it is missing."""

_MANY_EVENTS = 2000
"""Waiting events that wake the thread before the next flush, so that a fast run stays small in memory: some 2 MB."""


_MOST_ROWS = 10_000
"""Events that are written at once when they come faster than a flush each period, so that memory stays bounded: 30 MB.
"""


class CatalogueWriter:
    """Queues the documents that the journal has written, and returns; a thread writes them into the catalogue.

    Events wait for the next flush, which is when they become readable: a thread that handled each at once would take
    the interpreter from the run just when that prepares its next exposure.

    Once a run is catalogued, its journal is archived. A run that cannot be written document by document is written
    once more, as a whole, from its journal. If that fails too, the error is logged, stored in `errors` and raised by
    `wait` and `close`, and the journal stays unmarked, so that the next start tries again. `flush_period_s`: seconds
    between two moments at which an open run becomes readable. `open_catalogue` is called once, by the thread; if it
    fails, so do all runs, as above. No document can be lost here.
    """

    # A run goes through three states: written document by document (`_open[uid]` is its writer); given up after any
    # error of the catalogue (`_open[uid]` is None), which leaves its documents in the journal only; finished, by its
    # stop document, which writes a given-up run from the journal and archives the journal. A run whose arrays would be
    # slow or wrong to read is rewritten at its end as well. The thread handles documents in the order of the queue, so
    # an Event on the queue (`wait`) is set after everything before it is written.

    def __init__(self, open_catalogue: Callable[[], Catalogue], journal: Journal, *, flush_period_s: float) -> None:
        self._open_catalogue = open_catalogue
        self._catalogue: Catalogue | None = None
        self._client: Any = None
        self._journal = journal
        self._period_s = flush_period_s
        self._waiting: deque[Any] = deque()
        self._wake = threading.Event()
        self._runs = RunOfDocument()
        self._open: dict[str, RunWriter | None] = {}
        self._opened: dict[str, float] = {}
        self._flushed = time.monotonic()
        self._rows = 0
        self.errors: dict[str, Exception] = {}
        self._abandoned = False
        self._tried = False
        self._not_opening = threading.Event()
        self._not_opening.set()
        # A daemon, so that a session which never closes its store can end; the journal has every document.
        self._thread = threading.Thread(target=self._work, name="catalogue writer", daemon=True)
        self._thread.start()

    def __call__(self, name: str, doc: Mapping[str, Any], record: bytes) -> None:
        """Queue one document with the record of the journal that holds it; takes microseconds and never raises."""
        # The record, because the detector may write its next exposure into the memory of the arrays of this one, and
        # because a copy of the event would be two hundred objects more for Python's collections of garbage.
        self._waiting.append(record if name == "event" else (name, doc))
        if name != "event" or len(self._waiting) >= _MANY_EVENTS:
            self._wake.set()

    def _put(self, item: Any) -> None:
        self._waiting.append(item)
        self._wake.set()

    def wait(self, timeout_s: float = 60.0) -> None:
        """Wait until all documents so far are in the catalogue, including those of an open run.

        Raises `StorageError` after `timeout_s` seconds, or if a run could not be written.
        """
        if not self._has_reached(timeout_s):
            raise StorageError(
                f"The catalogue did not take all documents within {timeout_s:g} s. They are safe in the journal; "
                "wait again, or close and open the store to write them from there."
            )
        self._raise_errors()

    def open_ahead(self) -> None:
        """Have the catalogue opened, and wait at most a minute until it is; later calls return at once.

        Raises nothing: an error is logged.
        """
        if self._tried:
            return
        self._put(_OPEN)
        self._has_reached(_LONGEST_OPENING_S)

    def wait_while_opening(self) -> None:
        """Wait while the catalogue is being opened, at most a minute; raises nothing."""
        self._not_opening.wait(_LONGEST_OPENING_S)

    def _has_reached(self, timeout_s: float) -> bool:
        """Return whether the thread has come to the present end of the queue within `timeout_s` seconds."""
        reached = threading.Event()
        self._put(reached)
        deadline = time.monotonic() + timeout_s
        while not reached.wait(0.1):
            if time.monotonic() > deadline or not self._thread.is_alive():
                return False
        return True

    def close(self, timeout_s: float = 60.0) -> None:
        """Write the queue and end the thread within `timeout_s` seconds; raises `StorageError` if runs are missing."""
        self._put(_END)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise StorageError(
                f"The catalogue did not take all documents within {timeout_s:g} s. They are safe in the journal and "
                "will be written when the store is opened again."
            )
        self._raise_errors()

    def abandon(self) -> None:
        """Leave all runs to the journal: the process is ending, and failures from here on are not reported."""
        self._abandoned = True
        self._put(_END)

    def _raise_errors(self) -> None:
        if self.errors:
            listing = "; ".join(f"run {uid}: {error}" for uid, error in self.errors.items())
            raise StorageError(
                f"{len(self.errors)} runs are not in the catalogue: {listing}. Their documents are safe in the "
                "journal; remove the cause, then open the store again to write them."
            ) from next(iter(self.errors.values()))

    def _work(self) -> None:
        if not self._wake.wait(_OPENED_AFTER_S):
            self._open_ahead()
        while True:
            due = not self._wake.wait(max(0.0, self._flushed + self._period_s - time.monotonic()))
            self._wake.clear()
            # Only this thread takes documents out, so what is there now can be taken without a lock.
            while self._waiting:
                item = self._waiting.popleft()
                if item is _END:
                    self._flush()
                    return
                self._handle(item)
            if due:
                # The first flush sets the size of every piece of a run's arrays, so one that has just begun waits.
                self._flush(at_least_s=self._period_s)

    def _handle(self, item: Any) -> None:
        if isinstance(item, bytes):
            self._take_record(item)
            self._rows += 1
            if self._rows >= _MOST_ROWS:
                self._flush()
        elif isinstance(item, tuple):
            self._take(*item)
        elif item is _OPEN:
            self._open_ahead()
        else:
            self._flush()
            item.set()

    def _open_ahead(self) -> None:
        if self._tried:
            return
        try:
            self._opened_catalogue()
        except Exception as error:  # noqa: BLE001  whatever Tiled raises must not end the thread
            logger.warning("The catalogue cannot be opened (%s). Runs are safe in the journal.", error)

    def _opened_catalogue(self) -> Catalogue:
        """Return the catalogue, opened if it is not; raises `StorageError` if it cannot be."""
        if self._catalogue is None:
            self._not_opening.clear()
            try:
                catalogue = self._open_catalogue()
                self._client = catalogue.connect()
                self._catalogue = catalogue
                # Its libraries are half of all objects of a session, and the last ones that are imported.
                exempt_lasting_objects()
            finally:
                self._tried = True
                self._not_opening.set()
        return self._catalogue

    def _take_record(self, record: bytes) -> None:
        try:
            name, doc = unpack_record(record)
        except Exception as error:  # noqa: BLE001  whatever a document holds must not end the thread
            # Its run is unknown, so each open run is written from its journal.
            for uid in self._open:
                self._give_up(uid, error)
            return
        self._take(name, doc)

    def _take(self, name: str, doc: dict[str, Any]) -> None:
        uid = ""
        try:
            uid = self._runs.uid(name, doc)
            if name == "start":
                from storage.run_writer import RunWriter

                self._open[uid] = RunWriter(self._opened_catalogue(), self._client)
                self._opened[uid] = time.monotonic()
            writer = self._open.get(uid)
            if writer is not None:
                writer(name, doc)
        except Exception as error:  # noqa: BLE001  whatever Tiled raises must not end the thread
            self._give_up(uid, error)
        if name == "stop":
            self._finish(uid)

    def _flush(self, at_least_s: float = 0.0) -> None:
        """Make the open runs readable that have been open for `at_least_s` seconds."""
        self._rows = 0
        until = time.monotonic() - at_least_s
        for uid, writer in self._open.items():
            if writer is not None and self._opened[uid] <= until:
                try:
                    writer.flush()
                except Exception as error:  # noqa: BLE001  whatever Tiled raises must not end the thread
                    self._give_up(uid, error)
        self._flushed = time.monotonic()

    def _give_up(self, uid: str, error: Exception) -> None:
        # None keeps the run known as open, but nothing more of it is written until its end, when the journal is read.
        self._open[uid] = None
        if self._abandoned:
            return
        logger.warning(
            "Run %s could not be written during the run (%s); it is written from its journal at its end.", uid, error
        )

    def _finish(self, uid: str) -> None:
        writer = self._open.pop(uid, None)
        self._opened.pop(uid, None)
        self._runs.forget(uid)
        try:
            # From the journal, which decides what the run holds: a run that failed half-way, or whose pieces are too
            # small to be read quickly, is written again as a whole, and so is one with an event that the disk refused
            # after it came here. Only then is its journal marked as catalogued.
            if writer is None or writer.is_to_be_rewritten or self._journal.has_failed(uid):
                from storage.run_writer import write_run

                write_run(self._opened_catalogue(), self._journal.read(uid).documents)
            self._journal.archive(uid)
        except Exception as error:
            if self._abandoned:
                return
            logger.exception("Run %s is not in the catalogue; it is safe in the journal.", uid)
            self.errors[uid] = error
            with contextlib.suppress(StorageError):
                self._journal.release(uid)
