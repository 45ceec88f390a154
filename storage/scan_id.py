"""Scan ids that continue over restarts and are used once, whichever process asks."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Any

from errors import StorageError
from storage.journal import journal_paths
from storage.records import read_start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class ScanIdCounter:
    """Counter of scan ids in the file `<root>/scan_id`, which is rebuilt from the journals if it is lost."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / "scan_id"

    def next(self, metadata: Mapping[str, Any] | None = None) -> int:
        """Return the next scan id and store it; suitable as `RunEngine.scan_id_source`.

        It is one more than the last one, or than `metadata["scan_id"]` if that is higher: `RE.md["scan_id"] = 1000`
        jumps ahead. Raises `StorageError` if it cannot be stored.
        """
        try:
            # Read, increase and write under one lock, and on disk before the number is used: two processes never get
            # the same one, and a crash skips a number rather than repeat it. The file has a fixed width, so a write
            # never leaves old digits.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                scan_id = max(self._last(descriptor), int((metadata or {}).get("scan_id", 0))) + 1
                os.pwrite(descriptor, f"{scan_id:12d}\n".encode(), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError(
                f"The scan id cannot be written to {self._path}: {error}. Check the disk's free space and permissions."
            ) from error
        return scan_id

    def _last(self, descriptor: int) -> int:
        text = os.pread(descriptor, 64, 0).strip()
        return int(text) if text.isdigit() else self._highest_in_journals()

    def _highest_in_journals(self) -> int:
        return max((scan_id_of(path) or 0 for path in journal_paths(self._root)), default=0)


def scan_id_of(path: Path) -> int | None:
    """Return the scan id in a journal; None if it has none, or if the journal is damaged, which recovery reports."""
    try:
        scan_id = read_start(path).get("scan_id")
    except StorageError:
        return None
    return None if scan_id is None else int(scan_id)
