"""Append-only files of JSON lines, which several processes may write at the same time.

A line is one record. A process that is killed while it writes leaves at most one torn line, which readers skip and the
next writer ends; nothing that was written before is ever changed.
"""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

from errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class LineJournal:
    """The append-only file `path`; every record is a JSON object.

    `read` returns the records in the order in which they were written, those of all processes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: list[dict[str, Any]] = []
        self._read_bytes = 0
        self._inode = 0

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write the records and wait until they are on disk; raises StorageError if they cannot be written.

        The file gets the permissions of its folder, so that everyone who may write there can add records.
        """
        data = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
        try:
            descriptor = self._opened()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # A line that a killed process left without its end must not swallow this one.
                size = os.fstat(descriptor).st_size
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                _write(descriptor, b"\n" + data if torn else data, size)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written: {error}. Check the permissions of the data folder and its free space."
            ) from error

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_APPEND
        mode = 0o666 & self.path.parent.stat().st_mode
        try:
            descriptor = os.open(self.path, flags | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            return os.open(self.path, flags)
        # The umask, which is that of one person, does not decide for all.
        os.fchmod(descriptor, mode)
        return descriptor

    def read(self) -> list[dict[str, Any]]:
        """Return all whole records, oldest first; an empty list if there is no file.

        Only what was appended since the last call is read. Raises StorageError if the file cannot be read.
        """
        # `_read_bytes` counts whole lines only: a line that is being written is read by a later call. A file that was
        # replaced or became shorter, as when a folder is restored from a copy, is read from its beginning.
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._read_bytes:
                    self._records = []
                    self._read_bytes = 0
                    self._inode = status.st_ino
                file.seek(self._read_bytes)
                data = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error}. Check its permissions.") from error
        whole = data[: data.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        self._records += [record for line in whole.splitlines() if (record := _record(line)) is not None]
        return list(self._records)


def _write(descriptor: int, data: bytes, size: int) -> None:
    """Append all of `data` and wait until it is on disk; a full disk leaves the file with its former `size`, bytes."""
    remaining = memoryview(data)
    try:
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _record(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, or None if it is torn or not a JSON object."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
