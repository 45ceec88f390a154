"""A file that one process appends to under an exclusive lock; each record is on disk before the next is written."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from pathlib import Path

from errors import StorageError
from storage.atomic_file import sync_folder
from storage.disk_thread import DiskThread, Syncing


class LockedFile:
    """An open journal file with an exclusive lock, which also excludes other openings in this process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self._syncing: Syncing | None = None
        self._unsynced_bytes = 0

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
        self._write(data)
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            self._remove(len(data))
            raise _unwritable(self.path, error) from error

    def append_soon(self, data: bytes, disk: DiskThread) -> None:
        """Write `data` once what was written before is on disk, and let `disk` wait until it is on disk itself.

        Raises `StorageError` as `append` does, also for what was written before: it is removed from the file then.
        """
        self.settle()
        self._write(data)
        self._unsynced_bytes = len(data)
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
            self._remove(self._unsynced_bytes)
            raise _unwritable(self.path, error) from error

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            # All at once, unless the disk becomes full.
            while written < len(data):
                written += os.write(self.descriptor, data[written:])
        except OSError as error:
            self._remove(written)
            raise _unwritable(self.path, error) from error

    def _remove(self, size_bytes: int) -> None:
        """Remove the last `size_bytes` bytes; raises `StorageError` if the disk refuses that too."""
        # Nobody else writes a locked file, so these are the bytes of this process.
        try:
            os.ftruncate(self.descriptor, os.fstat(self.descriptor).st_size - size_bytes)
        except OSError as error:
            raise _unwritable(self.path, error) from error

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
    return f"{size_text(shutil.disk_usage(folder).free)} free"


def size_text(size_bytes: float) -> str:
    """Return a size as text with its unit, such as "1.5 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"
