"""Small files written atomically: a power cut leaves the old content or the new one, never a part."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, text: str, *, private: bool = False) -> None:
    """Replace the content of the file `path` by `text`, as UTF-8, and wait until it is on disk.

    A `private` file is never readable by anyone but its owner. Raises OSError, which leaves the old content in place.
    """
    new = path.with_name(f"{path.name}.new")
    # Left by a process that was killed, perhaps with other permissions.
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until names that were added to or removed from `folder` are on disk; raises OSError if they cannot be."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
