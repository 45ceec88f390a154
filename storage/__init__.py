"""Where runs live: a journal that loses nothing, a catalogue to search and read, and their recovery.

store = open_store("/data/2026-11")
store.subscribe(RE)              # first of all subscribers
RE(delay_scan(...))
store.db[-1].table()             # databroker
load_run(store, -1)              # documents
store.close()
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import StorageError
from processes.switch_interval import switch_soon
from storage.catalogue_files import catalogue_is_lost, catalogued_uids, put_catalogue_aside
from storage.cataloguing_process import catalogue_apart
from storage.chains import find_starts, good_exposures, load_chain, load_dataset, primary_data
from storage.images import load_images
from storage.journal import Journal, require_free_space, subscriber
from storage.recovery import Recovery, recover
from storage.runs import RunKey, RunStatus, RunSummary, iterate_run, list_runs, load_run
from storage.scan_id import ScanIdCounter
from storage.shared_server import TiledServer, require_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType

    from databroker import Broker

    from storage.catalogue import Catalogue
    from storage.catalogue_writer import CatalogueWriter

# The catalogue takes 2 s to import (Tiled, SQLAlchemy, pandas). A process that only lists runs or reads one from its
# journal does without it, hence the imports inside functions.

logger = logging.getLogger(__name__)

FLUSH_PERIOD_S = 10.0
"""Period at which an open run becomes readable in the catalogue, s. Each flush takes a thread 0.15 to 0.2 s."""

__all__ = [
    "FLUSH_PERIOD_S",
    "Recovery",
    "RunKey",
    "RunStatus",
    "RunSummary",
    "Store",
    "TiledServer",
    "find_starts",
    "good_exposures",
    "iterate_run",
    "list_runs",
    "load_chain",
    "load_dataset",
    "load_images",
    "load_run",
    "open_store",
    "primary_data",
    "require_free_space",
]


class Store:
    """The journal, the catalogue and the recovery of one data folder; open it with `open_store`.

    `root` is the folder, `images` that of the image files, `recovery` what had to be repaired on opening. Without
    `in_place` the catalogue is read from a private copy if its folder was moved or is read-only.
    """

    def __init__(
        self,
        root: Path,
        *,
        server: TiledServer | None = None,
        images: Path | None = None,
        flush_period_s: float = FLUSH_PERIOD_S,
        in_place: bool = True,
    ) -> None:
        self.root = root
        self._server = server
        self._in_place = in_place
        self.images = images or root / "images"
        self.recovery = Recovery()
        self.summaries: dict[tuple[str, int], RunSummary] = {}
        self._flush_period_s = flush_period_s
        self._journal = Journal(root)
        self._scan_ids = ScanIdCounter(root)
        self._catalogue: Catalogue | None = None
        self._writer: CatalogueWriter | None = None
        self._lock = threading.RLock()
        self._closed = False

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, opened when first used (2 s); raises `StorageError` if it cannot be."""
        with self._lock:
            if self._closed:
                raise StorageError(f"The store in {self.root} is closed. Open it again with open_store.")
            if self._catalogue is None:
                from storage.catalogue import open_catalogue

                self._catalogue = open_catalogue(
                    self.root, server=self._server, images=self.images, read_only=not self._in_place
                )
                _close_before_interpreter(self)
            return self._catalogue

    def may_have_others(self, uids: Collection[str]) -> bool:
        """Return whether the catalogue may hold runs other than `uids`; an embedded one is not opened for this."""
        # A catalogue that is open answers faster itself; that of a shared server belongs to many folders.
        is_shared = self._server is not None and self._server.is_shared
        if is_shared or self._catalogue is not None:
            return True
        catalogued = catalogued_uids(self.root)
        return catalogued is None or not catalogued <= set(uids)

    def take_over(self) -> None:
        """Work on the catalogue itself from now on, not on a copy; raises `StorageError` if the folder is read-only."""
        with self._lock:
            if not _is_writable(self.root):
                raise StorageError(
                    f"{self.root} cannot be written, so nothing can be stored or repaired. Copy it, or change its mode."
                )
            if not self._in_place and self._catalogue is not None:
                self._catalogue.close()
                self._catalogue = None
            self._in_place = True

    def renew_catalogue(self) -> None:
        """Move an embedded catalogue aside, so that the next use creates an empty one.

        Raises `StorageError` if the catalogue belongs to a server.
        """
        with self._lock:
            if self._server is not None:
                raise StorageError(f"The catalogue is on the server {self._server.uri}; repair it there.")
            if self._catalogue is not None:
                self._catalogue.close()
                self._catalogue = None
            logger.warning("The remains of the catalogue were moved to %s.", put_catalogue_aside(self.root))

    @property
    def db(self) -> Broker:
        """`databroker.Broker` that finds runs by uid, scan id, age and metadata, as in `db(sample="CsPbBr3")`.

        Raises `StorageError` if the catalogue cannot be opened.
        """
        return self.catalogue.broker

    def subscribe(self, run_engine: Any) -> int | None:
        """Store everything that `run_engine` emits from now on; call it before any other subscription.

        Scan ids then continue over restarts, and an error while storing ends the plan: a run that cannot be recorded
        must not continue. Return the token of the subscription. An engine with recorders apart from its subscribers
        (`record_with`) gets a permanent recorder, and None is returned. Raises `StorageError` if the folder is
        read-only or a shared server does not answer. An embedded catalogue is opened in the background: if it cannot
        be, its runs are in `errors`.
        """
        with self._lock:
            self.take_over()
            if self._server is not None:
                require_answer(self._server.uri)
            if self._writer is None:
                from storage.catalogue_writer import CatalogueWriter
                from storage.event_schema import validate_events_quickly

                validate_events_quickly()
                # The thread that writes the catalogue must not hold up exposures.
                switch_soon()
                self._writer = CatalogueWriter(
                    lambda: self.catalogue, self._journal, flush_period_s=self._flush_period_s
                )
                _close_before_interpreter(self)
        run_engine.ignore_callback_exceptions = False
        run_engine.scan_id_source = self.next_scan_id
        receive = getattr(run_engine, "record_with", run_engine.subscribe)
        token: int | None = receive(subscriber(self._journal, self._writer))
        return token

    def open_ahead(self) -> None:
        """Open the catalogue of a store that records runs, before a plan imports anything; raises nothing.

        An error is logged; runs are safe in the journal.
        """
        if self._writer is not None:
            self._writer.open_ahead()

    def wait_while_opening(self) -> None:
        """Wait while the catalogue is being opened, at most a minute; raises nothing."""
        if self._writer is not None:
            self._writer.wait_while_opening()

    def next_scan_id(self, metadata: Mapping[str, Any] | None = None) -> int:
        """Return the next scan id, as a RunEngine's `scan_id_source`; raises `StorageError` if it cannot be stored."""
        return self._scan_ids.next(metadata)

    def wait(self, timeout_s: float = 60.0) -> None:
        """Wait until the catalogue holds everything emitted so far; raises `StorageError` after `timeout_s` seconds."""
        if self._writer is not None:
            self._writer.wait(timeout_s)

    @property
    def errors(self) -> dict[str, Exception]:
        """Errors by uid of the runs that could not be catalogued; their documents are in the journals."""
        return {} if self._writer is None else dict(self._writer.errors)

    def close(self, timeout_s: float = 60.0) -> None:
        """Finish writing within `timeout_s` seconds and close; raises `StorageError` if a run is not catalogued."""
        with self._lock:
            writer = self._writer
            self._writer = None
        # Without the lock: the thread of the writer may be opening the catalogue at this moment, which needs it.
        try:
            if writer is not None:
                writer.close(timeout_s)
        finally:
            with self._lock:
                self._closed = True
                catalogue = self._catalogue
                self._catalogue = None
                self._journal.close()
            if catalogue is not None:
                catalogue.close()

    def close_at_exit(self) -> None:
        """Close the store while the interpreter ends, after which no catalogue can be opened any more in this process.

        Raises `StorageError` as `close` does.
        """
        with self._lock:
            # An opening that is under way holds the lock; it may still succeed.
            is_opened = self._catalogue is not None
        if is_opened or self._writer is None or not self._journal.has_open_runs:
            self.close()
            return
        self._writer.abandon()
        self._writer = None
        self.close()
        catalogue_apart(root=self.root, server=self._server, images=self.images)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_store(
    root: Path | str,
    *,
    server: TiledServer | None = None,
    images: Path | None = None,
    recover_runs: bool = True,
    rebuild: bool = False,
    flush_period_s: float = FLUSH_PERIOD_S,
) -> Store:
    """Open the data folder `root`, or create it, and recover the runs of processes that died.

    In a folder that this process cannot write, such as an archive or a colleague's, nothing is created or changed.

    `server` holds the catalogue; the journal stays in `root`. `images` is the folder that an area detector's IOC writes
    to, if it is not `<root>/images`.
    Only the process that takes data needs `recover_runs`; readers turn it off, which saves time. `rebuild` writes all
    journals into the catalogue once more, in place of a lost catalogue (0.5 ms per event).
    Raises `StorageError` if the folder cannot be used or the server does not answer.
    """
    root = _folder(root)
    # A reader works on a copy of the catalogue where reading in place would mean changing it.
    in_place = (recover_runs or rebuild) and _is_writable(root)
    store = Store(root, server=server, images=images, flush_period_s=flush_period_s, in_place=in_place)
    if in_place:
        require_free_space(root, 1)
        if server is None and catalogue_is_lost(root):
            # Otherwise it would be created again without runs, and searches would find nothing.
            store.renew_catalogue()
            rebuild = True
        store.recovery = recover(root, lambda: store.catalogue, everything=rebuild)
    return store


def _folder(root: Path | str) -> Path:
    root = Path(root).expanduser().resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{root} cannot be created: {error}. Choose another data folder.") from error
    return root


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _close_before_interpreter(store: Store) -> None:
    # The embedded server stops while threads are joined, before `atexit` functions run. Only this private hook, which
    # concurrent.futures and Tiled use too, lets a session that ends without `close` still write its last run.
    reference = weakref.ref(store)

    def close() -> None:
        open_store_ = reference()
        if open_store_ is not None:
            open_store_.close_at_exit()

    # A catalogue that is opened while the interpreter ends is closed by what opened it.
    with contextlib.suppress(RuntimeError):
        threading._register_atexit(close)  # type: ignore[attr-defined]
