"""Addresses inside a catalogue: they are absolute, so they are wrong after the data folder has moved.

Tiled writes the absolute address of every array, table and image file into `catalog.db`, and takes addresses literally:
nothing is percent-encoded, and what follows a `#` or `?` is lost. So a folder with such a character in its path is
addressed through a symbolic link, and the addresses of a folder that was moved or copied are changed when it is opened:
in place by the process that takes data, in a private copy by readers, which must not write.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from errors import StorageError
from reduction.image_references import resource_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from storage.documents import Document, NamedDocument

_FILE = "file://localhost"
_TABLES = "sqlite://localhost/"
_LOST_BY_TILED = frozenset("#?")


def address_of(root: Path) -> Path:
    """Return the path under which a catalogue addresses the data folder `root`: itself, or a link to it.

    The link's name follows from the path, so that every process of this machine uses the same one. Raises
    `StorageError` if a link is needed and cannot be made.
    """
    if not _LOST_BY_TILED & set(str(root)):
        return root
    link = Path(tempfile.gettempdir()) / f"trxas-data-{hashlib.sha256(str(root).encode()).hexdigest()[:16]}"
    try:
        if not link.is_symlink():
            link.symlink_to(root, target_is_directory=True)
    except FileExistsError:
        # Another process created the link in the meantime.
        pass
    except OSError as error:
        raise StorageError(
            f"{root} has a character in its path that the catalogue cannot address (# or ?), and the link {link} to it "
            f"cannot be made: {error}. Choose a data folder without these characters."
        ) from error
    if link.resolve() != root:
        raise StorageError(f"{link} should be a link to {root}, but is not. Remove it, then open the store again.")
    return link


def file_address(path: Path) -> str:
    """Return the address of a file or folder as Tiled understands it: not percent-encoded."""
    return f"{_FILE}{path}"


def sqlite_address(path: Path) -> str:
    """Return the address of an SQLite database for SQLAlchemy: `sqlite:///` and the path in plain characters."""
    return f"sqlite:///{path}"


def foreign_roots(database: Path, root: Path) -> set[str]:
    """Return the data folders other than `root` that occur in the addresses of the catalogue `database`.

    Taken from the addresses of the tables, which every run has. Raises `StorageError` if the database is damaged.
    """
    # Every run has a table, whose address is that of tables.db in the data folder at the time it was written. A process
    # that was killed while it wrote leaves a journal, which the next reader has to roll back: SQLite refuses even to
    # read such a database in a connection that may not write. In a folder that cannot be written nothing was killed.
    mode = "rw" if os.access(database, os.W_OK) and os.access(database.parent, os.W_OK) else "ro"
    query = "SELECT DISTINCT data_uri FROM assets WHERE data_uri LIKE ?"
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode={mode}", uri=True)) as connection:
            addresses = [str(row[0]) for row in connection.execute(query, (f"{_TABLES}%/tables.db",))]
    except sqlite3.Error as error:
        raise StorageError(
            f"The catalogue {database} cannot be read: {error}. The journals hold every run: `trxas runs check "
            "--repair` moves the damaged catalogue aside and makes a new one from them."
        ) from error
    return {address.removeprefix(_TABLES).removesuffix("/tables.db") for address in addresses} - {str(root)}


def readdress(database: Path, old: str, new: Path, tables: Path) -> None:
    """Change all addresses in the catalogue `database` that lie under the folder `old`, in one transaction.

    Arrays and images go to the folder `new`, tables to the database `tables`. A row that would become equal to an
    existing one is merged with it. Raises `StorageError` if it fails; the database is then unchanged.
    """
    prefixes = {f"{_FILE}{old}/": f"{_FILE}{new}/", f"{_TABLES}{old}/tables.db": f"{_TABLES}{tables}"}
    try:
        with closing(sqlite3.connect(database, timeout=60.0)) as connection, connection:
            for row, address in connection.execute("SELECT id, data_uri FROM assets").fetchall():
                prefix = next((prefix for prefix in prefixes if address.startswith(prefix)), None)
                if prefix is not None:
                    _change(connection, row, prefixes[prefix] + address[len(prefix) :])
    except sqlite3.Error as error:
        raise StorageError(
            f"The addresses in the catalogue {database} still name {old} and cannot be changed: {error}. Check the "
            "folder's permissions, or open it for reading only."
        ) from error


def _change(connection: sqlite3.Connection, row: int, address: str) -> None:
    # Addresses are unique in the database. A file may be registered under the old and the new address, if a copied
    # folder was measured into; both rows then mean one file.
    twin = connection.execute("SELECT id FROM assets WHERE data_uri = ? AND id != ?", (address, row)).fetchone()
    if twin is None:
        connection.execute("UPDATE assets SET data_uri = ? WHERE id = ?", (address, row))
    else:
        connection.execute("UPDATE data_source_asset_association SET asset_id = ? WHERE asset_id = ?", (twin[0], row))
        connection.execute("DELETE FROM assets WHERE id = ?", (row,))


def private_copy(root: Path, folder: Path) -> None:
    """Copy the databases of the catalogue in `root` into `folder`, with addresses that fit there.

    Arrays and images stay in `root`. Raises `StorageError` if they cannot be copied.
    """
    try:
        for name in ("catalog.db", "tables.db"):
            if (root / name).exists():
                shutil.copyfile(root / name, folder / name)
                (folder / name).chmod(0o600)
    except OSError as error:
        raise StorageError(f"The catalogue in {root} cannot be copied: {error}. Free space in {folder}.") from error
    database = folder / "catalog.db"
    if database.exists():
        address = address_of(root)
        for old in (*foreign_roots(database, folder), str(folder)):
            readdress(database, old, address, folder / "tables.db")


def relocated(documents: Iterable[NamedDocument], folders: Iterable[Path]) -> Iterator[NamedDocument]:
    """Yield the documents; resources whose image file has moved get the path where it is found below `folders`.

    A file is searched by the end of its path, the longest end first. One that is not found keeps its path. Raises
    nothing for a folder that cannot be read: its files count as not found.
    """
    known = list(folders)
    for name, doc in documents:
        yield name, _found(doc, known) if name == "resource" else doc


def _found(resource: Document, folders: list[Path]) -> Document:
    path = resource_path(resource)
    if _is_readable(path):
        return resource
    for start in range(1, len(path.parts)):
        for folder in folders:
            candidate = folder.joinpath(*path.parts[start:])
            if _is_readable(candidate):
                return {**resource, "root": "/", "resource_path": str(candidate.relative_to("/"))}
    return resource


def _is_readable(path: Path) -> bool:
    # `Path.exists` raises PermissionError for a file in a folder that another user has closed.
    return os.access(path, os.R_OK)


def addressed(resource: Document, root: Path, address: Path) -> Document:
    """Return a resource document with its file addressed through `address` instead of `root`, if it lies there."""
    path = resource_path(resource)
    if address == root or not path.is_relative_to(root):
        return resource
    return {**resource, "root": "/", "resource_path": str((address / path.relative_to(root)).relative_to("/"))}
