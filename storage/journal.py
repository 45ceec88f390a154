"""The journal: every document on disk before the run goes on.

First subscriber of the RunEngine. One file per run under `<root>/journal/`, moved to `<root>/journal/done/` once
the catalogue holds the run, and never deleted. While a process writes a run it holds a lock on the file, so that
others can tell a running run from one whose process died.
"""

from __future__ import annotations

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
from storage.documents import RunOfDocument
from storage.records import DONE, MAGIC, Contents, pack_record, read_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SUFFIX = ".journal"
"""File name suffix of a journal; the part before it is `<UTC start time>-<run uid>`, so that names sort by time."""


def journal_folder(root: Path) -> Path:
    """Return the folder of the journals that the catalogue does not hold yet."""
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
    """Check before a run that `size_bytes` can be written under `root`; raises `StorageError` if not."""
    root = Path(root)
    if not root.is_dir() or not os.access(root, os.W_OK | os.X_OK):
        raise StorageError(f"{root} is not a folder that can be written. Create it or change its permissions.")
    free = shutil.disk_usage(root).free
    if free < size_bytes:
        raise StorageError(
            f"{root} has {_size(free)} free, the run needs {_size(size_bytes)}. "
            "Free space on that disk or choose another folder, then start the run again."
        )


class LockedFile:
    """An open journal file with an exclusive lock that other processes, and other openings here, can see."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path) -> LockedFile | None:
        """Open and lock an existing journal; None if someone holds it or if it has been moved meanwhile."""
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
        """Create a journal that appears under its name only once it is locked and its first record is on disk."""
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
        """Write `data` and wait until it is on disk; on failure take back what was written of it and raise."""
        before = os.fstat(self.descriptor).st_size
        try:
            remaining = memoryview(data)
            while remaining:
                remaining = remaining[os.write(self.descriptor, remaining) :]
            os.fsync(self.descriptor)
        except OSError as error:
            os.ftruncate(self.descriptor, before)
            raise _unwritable(self.path, error) from error

    def truncate(self, size_bytes: int) -> None:
        """Cut the file to its first `size_bytes`."""
        os.ftruncate(self.descriptor, size_bytes)
        os.fsync(self.descriptor)

    def move(self, folder: Path) -> None:
        """Move the file into `folder`, keeping the lock."""
        folder.mkdir(parents=True, exist_ok=True)
        moved = folder / self.path.name
        self.path.rename(moved)
        sync_folder(folder)
        sync_folder(self.path.parent)
        self.path = moved

    def close(self) -> None:
        """Close the file, which releases the lock; closing twice does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def keep_beside(path: Path, data: bytes) -> None:
    """Write `data` to `<path>.torn`, behind what is there, and wait until it is on disk."""
    with path.with_name(f"{path.name}.torn").open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def is_locked(path: Path) -> bool:
    """Whether a live process holds the journal: it is being written, catalogued or recovered."""
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
    """RunEngine callback that has every document on disk when it returns, or raises `StorageError`.

    Subscribe it first. After a failed write the run's further events are refused too, so that a plan that retries
    a point cannot go on unrecorded. A finished run stays locked until `archive` or `release`.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._runs = RunOfDocument()
        self._files: dict[str, LockedFile] = {}
        self._failures: dict[str, StorageError] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Append one document to its run's file."""
        if self._closed:
            raise StorageError("The store is closed, so this run would not be stored. Open the store again.")
        uid = self._runs.uid(name, doc)
        try:
            self._write(uid, name, doc)
        except StorageError as error:
            self._failures.setdefault(uid, error)
            if name in ("start", "stop"):
                self._runs.forget(uid)
                self._forget(uid)
            raise
        if name == "stop":
            self._runs.forget(uid)

    def read(self, uid: str) -> Contents:
        """Return what the journal of an unfinished or not yet archived run of this process holds."""
        return read_contents(self._file(uid).path)

    def archive(self, uid: str) -> None:
        """Mark a run as catalogued: its file moves to the `done` folder."""
        self._file(uid).move(done_folder(self.root))
        self._forget(uid)

    def release(self, uid: str) -> None:
        """Let go of a run's file without marking it, so that the next recovery catalogues it."""
        self._file(uid)
        self._forget(uid)

    def close(self) -> None:
        """Close all files; documents that come later are refused with `StorageError`."""
        self._closed = True
        for uid in list(self._files):
            self._forget(uid)

    def _write(self, uid: str, name: str, doc: Mapping[str, Any]) -> None:
        if name not in ("start", "stop") and uid in self._failures:
            raise StorageError(f"Run {uid} is no longer recorded: {self._failures[uid]}")
        record = pack_record(name, doc)
        if name == "start":
            path = journal_folder(self.root) / f"{_time_stamp(doc['time'])}-{uid}{SUFFIX}"
            self._files[uid] = LockedFile.create(path, MAGIC + record)
        else:
            self._file(uid).append(record)

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

    bluesky holds bound methods by weak reference and drops a dead one silently; it holds a function for good.
    """
    kept = tuple(callbacks)

    def store_document(name: str, doc: Any) -> None:
        for callback in kept:
            callback(name, doc)

    return store_document


def _time_stamp(time_s: float) -> str:
    # UTC with milliseconds: sorts by time through the change of summer time and for runs within a second.
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]


def _lock_soon(descriptor: int) -> bool:
    # `is_locked` in another process holds the lock for microseconds; only who holds it longer owns the run.
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _unwritable(path: Path, error: OSError) -> StorageError:
    remedy = "Free space on that disk" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "Mend the disk"
    return StorageError(
        f"Journal {path} cannot be written: {error.strerror or error}; {_free_space(path)}. "
        f"{remedy} or choose another data folder, then repeat the run: what was measured before is kept."
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
