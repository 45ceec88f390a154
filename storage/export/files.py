"""Writing exports into a folder, in the format that a word names; no file is ever overwritten."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING
from uuid import uuid4

from errors import InputError, StorageError
from storage.export.hdf5 import write_hdf5
from storage.export.nexus import write_nexus
from storage.export.source import require_spectrum
from storage.export.text_files import csv_text, xdi_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reduction.curve_table import CurveTable
    from storage.export.source import Export

BINARY: dict[str, tuple[str, Callable[[Path, Export], None]]] = {
    "nexus": (".nxs", write_nexus),
    "hdf5": (".h5", write_hdf5),
}
"""Formats with one file for all tables of a run: the ending of its name, and what writes it."""

TEXT: dict[str, tuple[str, Callable[[Export, CurveTable], str]]] = {
    "xdi": (".xdi", xdi_text),
    "csv": (".csv", csv_text),
}
"""Formats with a file per table: the ending of its name, and its text."""

FORMATS = ("nexus", "xdi", "hdf5", "csv")


def write_export(folder: Path, export: Export, file_format: str) -> list[Path]:
    """Write an export into a folder, which is made if it does not exist; return the new files.

    A name that exists gets a number. Raises InputError for an unknown format, or one that cannot hold the curves, and
    StorageError if a file cannot be written.
    """
    if file_format not in FORMATS:
        raise InputError(f"The format {file_format!r} is not known. Choose one of: {', '.join(FORMATS)}.")
    if file_format == "xdi":
        require_spectrum(export, "XDI")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file_format in BINARY:
            ending, write = BINARY[file_format]
            return [_written(folder, export.file_stem, ending, lambda path: write(path, export))]
        ending, text = TEXT[file_format]
        several = len(export.tables) > 1
        return [
            _written(
                folder,
                f"{export.file_stem}_{table.name}" if several else export.file_stem,
                ending,
                lambda path, table=table: _write_text(path, text(export, table)),  # type: ignore[misc]
            )
            for table in export.tables
        ]
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}. Choose a folder that you can write to.") from error


def _written(folder: Path, stem: str, ending: str, write: Callable[[Path], None]) -> Path:
    """Write a file under a free name, whole or not at all; raises OSError."""
    # Several processes may export runs of one name at once, also from several hosts.
    part = folder / f".{stem}.{uuid4().hex}.part"
    try:
        write(part)
        for number in count(1):
            path = folder / (f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}")
            if _named(part, path):
                break
    finally:
        part.unlink(missing_ok=True)
    return path


def _named(part: Path, path: Path) -> bool:
    """Give a whole file its name; return False if the name is taken."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError:
        # A disk without hard links, such as a share of Windows: between the two steps, another process could take
        # the name.
        if path.exists():
            return False
        part.rename(path)
    return True


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
