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

import contextlib
import errno
import fcntl
import os
import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import StorageError
from storage.atomic_file import sync_folder
from storage.disk_thread import DiskThread, Syncing
from storage.documents import RunOfDocument
from storage.records import DONE, MAGIC, Contents, pack_record, read_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
            f"{root} has {_size(free)} free, but the run needs {_size(size_bytes)}. "
            "Free space on that disk or choose another folder, then start the run again."
        )


class LockedFile:
    """An open journal file with an exclusive lock, which also excludes other openings in this process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self._syncing: Syncing | None = None
        self._synced_bytes = 0

    @classmethod
    def take(cls, path: Path) -> LockedFile | None:
        """Open and lock an existing journal; return None if it is locked already or has been moved meanwhile.

        Raises OSError if the file cannot be opened.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return None
        try:
            if _lock_soon(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat()):
                return cls(path, descriptor)
        except FileNotFoundError:
            pass
        os.close(descriptor)
        return None

    @classmethod
    def create(cls, path: Path, content: bytes) -> LockedFile:
        """Create a journal whose name appears only once it is locked and `content`, its first record, is on disk.

        Raises `StorageError` if it cannot be written.
        """
        hidden = path.with_name(f"{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = cls(path, os.open(hidden, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644))
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.append(content)
            hidden.rename(path)
            sync_folder(path.parent)
        except (OSError, StorageError) as error:
            file.close()
            hidden.unlink(missing_ok=True)
            if isinstance(error, StorageError):
                raise
            raise _unwritable(path, error) from error
        return file

    @property
    def descriptor(self) -> int:
        """The open file descriptor; raises `StorageError` after `close`."""
        if self._descriptor is None:
            raise StorageError(f"Journal {self.path} is closed. Open the store again before the next run.")
        return self._descriptor

    def append(self, data: bytes) -> None:
        """Write `data` and wait until it is on disk; on failure remove what was written and raise `StorageError`."""
        self.settle()
        before = os.fstat(self.descriptor).st_size
        try:
            self._write(data)
            os.fsync(self.descriptor)
        except OSError as error:
            os.ftruncate(self.descriptor, before)
            raise _unwritable(self.path, error) from error

    def append_soon(self, data: bytes, disk: DiskThread) -> None:
        """Write `data` once what was written before is on disk, and let `disk` wait until it is on disk itself.

        Raises `StorageError` as `append` does, also for what was written before: it is removed from the file then.
        """
        self.settle()
        before = os.fstat(self.descriptor).st_size
        try:
            self._write(data)
        except OSError as error:
            os.ftruncate(self.descriptor, before)
            raise _unwritable(self.path, error) from error
        self._synced_bytes = before
        self._syncing = disk.sync(self.descriptor)

    def settle(self) -> None:
        """Wait until everything written is on disk; otherwise remove the latest record and raise `StorageError`."""
        syncing = self._syncing
        self._syncing = None
        if syncing is None:
            return
        try:
            syncing.wait()
        except OSError as error:
            os.ftruncate(self.descriptor, self._synced_bytes)
            raise _unwritable(self.path, error) from error

    def _write(self, data: bytes) -> None:
        remaining = memoryview(data)
        while remaining:
            remaining = remaining[os.write(self.descriptor, remaining) :]

    def truncate(self, size_bytes: int) -> None:
        """Cut the file to its first `size_bytes` bytes; raises OSError if the disk refuses."""
        os.ftruncate(self.descriptor, size_bytes)
        os.fsync(self.descriptor)

    def move(self, folder: Path) -> None:
        """Move the file into `folder` without releasing the lock; raises OSError if it cannot be moved."""
        folder.mkdir(parents=True, exist_ok=True)
        moved = folder / self.path.name
        self.path.rename(moved)
        sync_folder(folder)
        sync_folder(self.path.parent)
        self.path = moved

    def close(self) -> None:
        """Close the file and release the lock; does nothing if it is closed already."""
        if self._descriptor is None:
            return
        # Nobody is left to whom a failure could be reported, but the descriptor must not be closed under the disk.
        with contextlib.suppress(StorageError):
            self.settle()
        os.close(self._descriptor)
        self._descriptor = None


def keep_beside(path: Path, data: bytes) -> None:
    """Append `data` to `<path>.torn` and wait until it is on disk; raises OSError if it cannot be written."""
    with path.with_name(f"{path.name}.torn").open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def is_locked(path: Path) -> bool:
    """Return whether a live process holds the journal, because it writes, catalogues or recovers the run."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


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
        self._lock = threading.Lock()
        self._disk = DiskThread()
        self._closed = False

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Append one document to the file of its run.

        Raises `StorageError` if it cannot be written, or if the previous document did not reach the disk.
        """
        if self._closed:
            raise StorageError("The store is closed, so this run would not be stored. Open the store again.")
        uid = self._runs.uid(name, doc)
        try:
            self._write(uid, name, doc)
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

    @property
    def has_open_runs(self) -> bool:
        """Whether there are runs that are neither archived nor released."""
        return bool(self._files)

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

    def _write(self, uid: str, name: str, doc: Mapping[str, Any]) -> None:
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
        with self._lock:
            if uid not in self._files:
                raise StorageError(f"Run {uid} has no open journal. Subscribe the store before the run starts.")
            return self._files[uid]

    def _forget(self, uid: str) -> None:
        with self._lock:
            file = self._files.pop(uid, None)
        if file is not None:
            file.close()


def subscriber(callbacks: Iterable[Callable[[str, Any], None]]) -> Callable[[str, Any], None]:
    """Return one function that calls `callbacks` in order and keeps them alive.

    bluesky holds bound methods by weak reference and silently drops a dead one; it holds a plain function permanently.
    """
    owned = tuple(callbacks)

    def store_document(name: str, doc: Any) -> None:
        for callback in owned:
            callback(name, doc)

    return store_document


def _time_stamp(time_s: float) -> str:
    # UTC with milliseconds sorts by time over changes of summer time, and for runs within one second.
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]


def _lock_soon(descriptor: int) -> bool:
    # `is_locked` in another process holds the lock for microseconds; a process that holds it longer owns the run.
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _unwritable(path: Path, error: OSError) -> StorageError:
    remedy = (
        "Free space on that disk" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "Repair the disk"
    )
    return StorageError(
        f"Journal {path} cannot be written: {error.strerror or error}; {_free_space(path)}. "
        f"{remedy} or choose another data folder, then repeat the run: what was measured before is saved."
    )


def _free_space(path: Path) -> str:
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    return f"{_size(shutil.disk_usage(folder).free)} free"


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"
