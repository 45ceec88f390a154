"""The catalogue: a Tiled server inside this process, or a client of a shared one.

The embedded catalogue is three things under the data folder: `catalog.db` (metadata), `tables.db` (scalar columns),
`data/` (array columns). Images stay in the files of the detector's IOC, which the catalogue reads. For many users at
once, run `tiled serve config` on the same folder, see `server_configuration`. A reader of a folder that is read-only,
or that was moved or copied, works on a private copy of the two databases.
"""

from __future__ import annotations

import asyncio
import copy
import fcntl
import functools
import logging
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from bluesky_tiled_plugins import BlueskyRun
from bluesky_tiled_plugins.exporters import json_seq_exporter
from databroker import Broker
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from tiled.catalog import from_uri as catalog_from_uri
from tiled.catalog.alembic_constants import ALEMBIC_DIR
from tiled.catalog.core import initialize_database
from tiled.client import from_context
from tiled.client import from_uri as client_from_uri
from tiled.client.container import DEFAULT_STRUCTURE_CLIENT_DISPATCH, Container
from tiled.media_type_registration import SerializationRegistry, default_serialization_registry
from tiled.utils import OneShotCachedMap, ensure_specified_sql_driver

from errors import StorageError
from processes.loopback import is_loopback
from storage.addresses import (
    address_of,
    addressed,
    file_address,
    foreign_roots,
    private_copy,
    readdress,
    relocated,
    sqlite_address,
)
from storage.catalogue_clients import broker_run, stream_client
from storage.embedded_server import embedded_context
from storage.shared_server import TiledServer, no_answer, require_answer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from storage.documents import Document, NamedDocument

_SPEC = {"name": "CatalogOfBlueskyRuns", "version": "3.0"}

logger = logging.getLogger(__name__)

# Tiled reports its version and every connection at level INFO on stderr, from a handler of its own.
logging.getLogger("tiled.server.app").setLevel(logging.WARNING)


class Catalogue:
    """An open catalogue of runs; close it or use it in a `with` statement.

    `client` is the Tiled client for users: `client[uid]["primary"].read()` gives an xarray Dataset.
    `data` is the folder of the arrays of an embedded catalogue, None for a shared one.
    """

    def __init__(
        self,
        context: Any,
        root: Path | None = None,
        *,
        images: Path | None = None,
        private: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.data = None if root is None else root / "data"
        self._root = root
        self._images = images or (root / "images" if root is not None else Path())
        self._private = private
        self._context: Any = context
        self._broker: Broker | None = None
        self._lock = threading.Lock()
        self.client: Any = self.connect()

    def connect(self) -> Any:
        """Return another Tiled client, independent of all others (one request, about 5 ms).

        `client.v2`, and a Broker on it, switch every client that shares the same map of classes to version 2 of the
        runs' programming interface, by default all of the process.
        """
        if Container.STRUCTURE_CLIENTS_FROM_ENTRYPOINTS is None:
            Container.discover_clients_from_entrypoints()
        shared = DEFAULT_STRUCTURE_CLIENT_DISPATCH["numpy"]
        own = OneShotCachedMap({name: functools.partial(shared.__getitem__, name) for name in shared})
        own.set("BlueskyRun", lambda: BlueskyRun)
        own.set("BlueskyEventStream", lambda: stream_client)
        return from_context(self._context, structure_clients=own)

    @property
    def broker(self) -> Broker:
        """`databroker.Broker` on the catalogue: `db[-1].table()`, `db(sample="...")`, `db[scan_id]`, `db["uid"]`."""
        with self._lock:
            if self._broker is None:
                runs = self.connect().v2
                runs.structure_clients.set("BlueskyRun", lambda: broker_run)
                self._broker = Broker(runs)
            return self._broker

    def relocated(self, documents: Iterable[NamedDocument]) -> Iterable[NamedDocument]:
        """Return the documents with the current paths of their image files, in case the data folder has moved."""
        return documents if self._root is None else relocated(documents, (self._images, self._root))

    def addressed(self, resource: Document) -> Document:
        """Return a resource document with the path by which this catalogue addresses its file."""
        return resource if self._root is None else addressed(resource, self._root, address_of(self._root))

    def close(self) -> None:
        """End the embedded server and its threads, or the connection to the shared one; a private copy is deleted."""
        self._context.close()
        if self._private is not None:
            self._private.cleanup()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_catalogue(
    root: Path | str,
    *,
    server: TiledServer | None = None,
    images: Path | None = None,
    read_only: bool = False,
) -> Catalogue:
    """Open the catalogue under `root`, or create it.

    `images` is the folder of image files, by default `<root>/images`: the catalogue reads no files elsewhere.
    With `server` the catalogue of that server is used instead.
    With `read_only` nothing under `root` is changed: where reading in place would change it, the databases are copied,
    and runs that are catalogued later are not seen. Raises `StorageError` if it cannot be opened or reached.
    """
    if server is not None:
        return Catalogue(_remote_context(server))
    root = Path(root).resolve()
    private = None
    if read_only and not _is_readable_in_place(root):
        private = tempfile.TemporaryDirectory(prefix="trxas-catalogue-")
        private_copy(root, Path(private.name))
    databases = root if private is None else Path(private.name)
    create_catalogue(databases, data=None if private is None else root)
    try:
        return Catalogue(_embedded_context(root, databases, images), root, images=images, private=private)
    except Exception as error:
        # Tiled, SQLAlchemy and alembic raise classes without a common root when a database does not fit.
        raise StorageError(
            f"The catalogue in {root} cannot be opened: {error}. The journals hold every run: `trxas runs check "
            "--repair` moves the damaged catalogue aside and makes a new one from them."
        ) from error


def create_catalogue(root: Path | str, *, data: Path | None = None) -> None:
    """Create the databases of an embedded catalogue under `root`, unless they exist; raises `StorageError`.

    If the folder was moved or copied, its databases get the new addresses. A private copy of the databases has its
    arrays in the data folder `data`, and its addresses are already correct.
    """
    root = Path(root).resolve()
    address = address_of(root)
    database = address / "catalog.db"
    # The usual case needs no lock: the catalogue is there and its addresses are those of this folder.
    if database.exists() and (data is not None or not foreign_roots(database, address)):
        return
    try:
        (root / "data").mkdir(parents=True, exist_ok=True)
        # Two processes may open a new folder at once. The second one waits here and then finds the database made.
        with (root / ".creating").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not database.exists():
                _create_database(database)
            for old in foreign_roots(database, address):
                logger.warning(
                    "The data folder has moved from %s; the addresses in its catalogue are changed to %s.", old, root
                )
                readdress(database, old, address, address / "tables.db")
    except OSError as error:
        raise StorageError(
            f"The catalogue in {root} cannot be created: {error}. Check the folder's permissions and free space."
        ) from error


def server_configuration(root: Path | str, *, images: Path | None = None) -> dict[str, Any]:
    """Return the configuration, to be saved as YAML, with which `tiled serve config` serves the catalogue in `root`.

    `images` is the folder of image files, by default `<root>/images`.
    The server takes its key from the environment variable `TILED_SINGLE_USER_API_KEY`.
    """
    root = Path(root).resolve()
    arguments = {
        "uri": _sqlite_uri(address_of(root) / "catalog.db"),
        "writable_storage": _storage(root, root),
        "readable_storage": _readable(root, images),
        "specs": [_SPEC],
    }
    exporter = {"application/json-seq": "bluesky_tiled_plugins.exporters:json_seq_exporter"}
    trees = [{"path": "/", "tree": "catalog", "args": arguments}]
    return {"trees": trees, "media_types": {"BlueskyRun": exporter}}


def _create_database(database: Path) -> None:
    # Under another name first: a process that is killed half-way must not leave a catalogue that cannot be opened.
    new = database.with_name("catalog.db.new")
    new.unlink(missing_ok=True)
    try:
        # The tables are created in an event loop, and the caller's thread may be running one already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _create_tables(new)).result()
        _stamp(new)
    except SQLAlchemyError as error:
        raise StorageError(
            f"The catalogue {database} cannot be created: {error}. Check the folder's permissions and free space."
        ) from error
    new.rename(database)


async def _create_tables(database: Path) -> None:
    engine = create_async_engine(_sqlite_uri(database))
    try:
        await initialize_database(engine)
    finally:
        await engine.dispose()


def _stamp(database: Path) -> None:
    """Record the revision of Tiled's tables, as `tiled catalog init` does, but without starting a process."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        with engine.begin() as connection:
            MigrationContext.configure(connection).stamp(ScriptDirectory(str(ALEMBIC_DIR)), "head")
    finally:
        engine.dispose()


def _is_readable_in_place(root: Path) -> bool:
    """Return whether a reader can use the databases in place: Tiled needs to write, and the addresses must be right."""
    database = root / "catalog.db"
    if not all(os.access(path, os.W_OK) for path in (root, database, root / "tables.db")):
        return False
    return not foreign_roots(database, address_of(root))


def _embedded_context(root: Path, databases: Path, images: Path | None) -> Any:
    adapter = catalog_from_uri(
        _sqlite_uri(address_of(databases) / "catalog.db"),
        writable_storage=_storage(root, databases),
        readable_storage=_readable(root, images),
        specs=[_SPEC],
    )
    return embedded_context(adapter, _serializers())


@functools.cache
def _serializers() -> SerializationRegistry:
    """Return Tiled's formats of export, and that of a run as JSON lines.

    Without it `run.documents()` and the Broker's `documents`, `events` and `restream` fail.
    """
    registry = copy.deepcopy(default_serialization_registry)
    registry.register("BlueskyRun", "application/json-seq", json_seq_exporter)
    return registry


def _remote_context(server: TiledServer) -> Any:
    require_answer(server.uri)
    try:
        return client_from_uri(server.uri, api_key=server.api_key, trust_env=not is_loopback(server.uri)).context
    except (httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        raise no_answer(server.uri, error) from error


def images_folder(root: Path) -> Path:
    """Return the default folder of image files in the data folder `root`; an IOC may use a different one."""
    return root / "images"


def _readable(root: Path, images: Path | None) -> list[str]:
    folder = (images or images_folder(root)).resolve()
    if folder.is_relative_to(root):
        folder = address_of(root) / folder.relative_to(root)
    return [file_address(folder)]


def _storage(root: Path, databases: Path) -> list[str]:
    return [file_address(address_of(root) / "data"), sqlite_address(address_of(databases) / "tables.db")]


def _sqlite_uri(path: Path) -> str:
    return str(ensure_specified_sql_driver(sqlite_address(path)))
