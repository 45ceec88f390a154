"""The journal: every document is written before the run continues, and on disk before the next one is written.

The journal is the first subscriber of the RunEngine. It has one file per run in `<root>/journal/`, moved to
`<root>/journal/done/` once the catalogue holds the run, and never deleted. While a process writes a run it holds a lock
on the file, so that others can distinguish a running run from one whose process died.
"""

# Written and on disk are two moments. What is written survives the end of the process, `kill -9` included; what is on
# disk survives the end of the machine as well. The disk takes a millisecond for that, on a server ten. After an event
# the next exposure need not wait for the disk, only its own event must. All other documents wait at once.

# States of a journal file, and what moves it on:
# - `<name>.new`, locked: being created. It gets its name only when its first record is on disk, so a file with a name
#   always has a start document.
# - in `journal/`, locked: the run is being measured, or has ended and is being catalogued (`archive` moves it on).
# - in `journal/`, unlocked: the process died, or the catalogue refused the run (`release`); recovery takes the lock,
#   closes the run if it has no stop document, catalogues it and moves the file.
# - in `journal/done/`: catalogued. Files never move back, so looking into both folders in this order misses none.

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import StorageError
from storage.disk_thread import DiskThread
from storage.documents import RunOfDocument
from storage.locked_file import LockedFile, size_text
from storage.records import DONE, MAGIC, Contents, pack_record, read_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EVENTS = ("event", "event_page")
"""Documents that may reach the disk while the next exposure is prepared."""

SUFFIX = ".journal"
"""Suffix of the file name `<UTC start time>-<run uid>.journal`; such names sort by time."""


def journal_folder(root: Path) -> Path:
    """Return the folder of the journals of runs that are not yet catalogued."""
    return root / "journal"


def done_folder(root: Path) -> Path:
    """Return the folder of the journals of catalogued runs."""
    return journal_folder(root) / DONE


def journal_paths(root: Path) -> list[Path]:
    """Return the paths of all journals, catalogued or not, oldest first."""
    paths: dict[str, Path] = {}
    # A journal moves from the first folder to the second, never back: this order misses none.
    for folder in (journal_folder(root), done_folder(root)):
        paths.update({path.name: path for path in folder.glob(f"*{SUFFIX}")})
    return [paths[name] for name in sorted(paths)]


def uid_of(path: Path) -> str:
    """Return the run uid that a journal's file name carries."""
    return path.name.removesuffix(SUFFIX).split("-", 1)[1]


def require_free_space(root: Path | str, size_bytes: int) -> None:
    """Raise `StorageError` unless `size_bytes` can be written under `root`; for a check before a run."""
    root = Path(root)
    if not root.is_dir() or not os.access(root, os.W_OK | os.X_OK):
        raise StorageError(f"{root} is not a folder that can be written. Create it or change its permissions.")
    free = shutil.disk_usage(root).free
    if free < size_bytes:
        raise StorageError(
            f"{root} has {size_text(free)} free, but the run needs {size_text(size_bytes)}. "
            "Free space on that disk or choose another folder, then start the run again."
        )


class Journal:
    """RunEngine callback that has every document written when it returns, or raises `StorageError`.

    All but the latest event of a run are then on disk as well; a disk that fails at that one is reported by the next
    document. Subscribe it first. After a failed write, further events of the run are refused as well, so that a plan
    that repeats a point cannot continue unrecorded. A finished run stays locked until `archive` or `release`.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._runs = RunOfDocument()
        self._files: dict[str, LockedFile] = {}
        self._failures: dict[str, StorageError] = {}
        self._disk = DiskThread()
        self._closed = False

    def __call__(self, name: str, doc: Mapping[str, Any]) -> bytes:
        """Append one document to the file of its run, and return the record that was written.

        Raises `StorageError` if it cannot be written, or if the previous document did not reach the disk.
        """
        if self._closed:
            raise StorageError("The store is closed, so this run would not be stored. Open the store again.")
        uid = self._runs.uid(name, doc)
        try:
            record = self._write(uid, name, doc)
        except StorageError as error:
            # The first failure counts for the rest of the run. A start that failed has no file, and a stop ends the run
            # in any case, so both forget it.
            self._failures.setdefault(uid, error)
            if name in ("start", "stop"):
                self._runs.forget(uid)
                self._forget(uid)
            raise
        if name == "stop":
            self._runs.forget(uid)
        return record

    @property
    def has_open_runs(self) -> bool:
        """Whether there are runs that are neither archived nor released."""
        return bool(self._files)

    def has_failed(self, uid: str) -> bool:
        """Return whether a document of this run was refused; its previous event may have been removed as well."""
        return uid in self._failures

    def read(self, uid: str) -> Contents:
        """Return the journal of a run of this process; raises `StorageError` if it is archived or unreadable."""
        return read_contents(self._file(uid).path)

    def archive(self, uid: str) -> None:
        """Mark a run as catalogued by moving its file to the `done` folder; raises `StorageError` or OSError."""
        self._file(uid).move(done_folder(self.root))
        self._forget(uid)

    def release(self, uid: str) -> None:
        """Close a run's file without marking it, so that the next recovery catalogues the run."""
        self._file(uid)
        self._forget(uid)

    def close(self) -> None:
        """Close all files; documents that arrive later raise `StorageError`."""
        self._closed = True
        for uid in list(self._files):
            self._forget(uid)
        self._disk.close()

    def _write(self, uid: str, name: str, doc: Mapping[str, Any]) -> bytes:
        if name not in ("start", "stop") and uid in self._failures:
            raise StorageError(f"Run {uid} is no longer recorded: {self._failures[uid]}")
        record = pack_record(name, doc)
        if name == "start":
            path = journal_folder(self.root) / f"{_time_stamp(doc['time'])}-{uid}{SUFFIX}"
            self._files[uid] = LockedFile.create(path, MAGIC + record)
        elif name in EVENTS:
            self._file(uid).append_soon(record, self._disk)
        else:
            self._append(self._file(uid), record)
        return record

    @staticmethod
    def _append(file: LockedFile, record: bytes) -> None:
        """Append a record, also after a failure of the disk at the event before it, which is raised then."""
        # The stop document of a run whose last event did not reach the disk must still be written.
        try:
            file.settle()
        except StorageError:
            file.append(record)
            raise
        file.append(record)

    def _file(self, uid: str) -> LockedFile:
        # Another thread archives runs: one look into the dictionary, which needs no lock.
        file = self._files.get(uid)
        if file is None:
            raise StorageError(f"Run {uid} has no open journal. Subscribe the store before the run starts.")
        return file

    def _forget(self, uid: str) -> None:
        file = self._files.pop(uid, None)
        if file is not None:
            file.close()


def subscriber(
    journal: Journal, queue: Callable[[str, Mapping[str, Any], bytes], None] | None = None
) -> Callable[[str, Any], None]:
    """Return a function that writes documents into `journal`, then gives them with their records to `queue`.

    bluesky holds bound methods by weak reference and silently drops a dead one; it holds a plain function permanently.
    """

    def store_document(name: str, doc: Any) -> None:
        record = journal(name, doc)
        if queue is not None:
            queue(name, doc, record)

    return store_document


def _time_stamp(time_s: float) -> str:
    # UTC with milliseconds sorts by time over changes of summer time, and for runs within one second.
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
