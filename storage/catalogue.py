"""The catalogue: a Tiled server inside this process, or a client of a shared one.

The embedded catalogue is three things under the data folder: `catalog.db` (metadata), `tables.db` (scalar columns),
`data/` (array columns). Images stay in the files of the detector's IOC, which it reads. Many users at once: `tiled
serve config` on the same folder, see `server_configuration`.
"""

from __future__ import annotations

import asyncio
import copy
import fcntl
import functools
import logging
import threading
import warnings
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
from tiled.client.context import Context
from tiled.config import Authentication
from tiled.media_type_registration import default_serialization_registry
from tiled.server.app import build_app
from tiled.utils import OneShotCachedMap, ensure_specified_sql_driver

from errors import StorageError
from processes.loopback import is_loopback

if TYPE_CHECKING:
    from types import TracebackType

_SPEC = {"name": "CatalogOfBlueskyRuns", "version": "3.0"}
_ANSWER_TIMEOUT_S = 10

# Tiled reports its version and every connection at level INFO on stderr, from a handler of its own.
logging.getLogger("tiled.server.app").setLevel(logging.WARNING)


class Catalogue:
    """An open catalogue of runs; close it or use it in a `with` statement.

    `client` is the Tiled client for its users: `client[uid]["primary"].read()` gives an xarray Dataset.
    `data` is the folder of the arrays of an embedded catalogue, None for a shared one.
    """

    def __init__(self, context: Any, data: Path | None = None) -> None:
        self.data = data
        self._context: Any = context
        self._broker: Broker | None = None
        self._lock = threading.Lock()
        self.client: Any = self.connect()

    def connect(self) -> Any:
        """Return another Tiled client, which no use of the others can change (one request, about 5 ms).

        `client.v2`, and a Broker on it, switch every client that shares the same map of classes to version 2 of the
        runs' programming interface, by default all of the process.
        """
        if Container.STRUCTURE_CLIENTS_FROM_ENTRYPOINTS is None:
            Container.discover_clients_from_entrypoints()
        shared = DEFAULT_STRUCTURE_CLIENT_DISPATCH["numpy"]
        own = OneShotCachedMap({name: functools.partial(shared.__getitem__, name) for name in shared})
        own.set("BlueskyRun", lambda: BlueskyRun)
        return from_context(self._context, structure_clients=own)

    @property
    def broker(self) -> Broker:
        """`databroker.Broker` on the catalogue: `db[-1].table()`, `db(sample="...")`, `db[scan_id]`, `db["uid"]`."""
        with self._lock:
            if self._broker is None:
                self._broker = Broker(self.connect().v2)
            return self._broker

    def close(self) -> None:
        """End the embedded server and its threads, or the connection to the shared one."""
        self._context.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_catalogue(
    root: Path | str, *, uri: str | None = None, api_key: str | None = None, images: Path | None = None
) -> Catalogue:
    """Open the catalogue under `root`, which is created if it is not there.

    `images` is the folder of image files, by default `<root>/images`: the catalogue reads no files elsewhere.
    With `uri` (http address of a `tiled serve` process) and its `api_key` the catalogue is that server's instead.
    Raises `StorageError` if it cannot be opened or reached.
    """
    if uri is not None:
        return Catalogue(_remote_context(uri, api_key))
    root = Path(root).resolve()
    create_catalogue(root)
    try:
        return Catalogue(_embedded_context(root, images), root / "data")
    except Exception as error:
        # Tiled, SQLAlchemy and alembic raise classes without a common root when a database does not fit.
        raise StorageError(
            f"The catalogue in {root} cannot be opened: {error}. The journals hold every run: `trxas runs check "
            "--repair` puts the damaged catalogue aside and makes a new one from them."
        ) from error


def create_catalogue(root: Path | str) -> None:
    """Create the databases of an embedded catalogue under `root`, unless they exist; raises `StorageError`."""
    root = Path(root).resolve()
    database = root / "catalog.db"
    if database.exists():
        return
    try:
        (root / "data").mkdir(parents=True, exist_ok=True)
        with (root / ".creating").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not database.exists():
                _create_database(database)
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
        "uri": _sqlite_uri(root / "catalog.db"),
        "writable_storage": _storage(root),
        "readable_storage": _readable(root, images),
        "specs": [_SPEC],
    }
    exporter = {"application/json-seq": "bluesky_tiled_plugins.exporters:json_seq_exporter"}
    trees = [{"path": "/", "tree": "catalog", "args": arguments}]
    return {"trees": trees, "media_types": {"BlueskyRun": exporter}}


def _create_database(database: Path) -> None:
    # Under another name first, so that a process killed half-way leaves no catalogue that cannot be opened.
    new = database.with_name("catalog.db.new")
    new.unlink(missing_ok=True)
    try:
        # Tables are made in an event loop, of which the caller's thread may have one already.
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
    """Write down which revision of Tiled's tables these are, without the process that `tiled catalog init` is."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        with engine.begin() as connection:
            MigrationContext.configure(connection).stamp(ScriptDirectory(str(ALEMBIC_DIR)), "head")
    finally:
        engine.dispose()


def _embedded_context(root: Path, images: Path | None) -> Any:
    adapter = catalog_from_uri(
        _sqlite_uri(root / "catalog.db"),
        writable_storage=_storage(root),
        readable_storage=_readable(root, images),
        specs=[_SPEC],
    )
    registry = copy.deepcopy(default_serialization_registry)
    # Without it `run.documents()` and the Broker's `documents`, `events` and `restream` fail.
    registry.register("BlueskyRun", "application/json-seq", json_seq_exporter)
    # The key never leaves this process: nothing listens on a port.
    authentication = Authentication(single_user_api_key="embedded")
    app = build_app(adapter, authentication=authentication, serialization_registry=registry)
    with warnings.catch_warnings():
        # Tiled 0.2.20 drives the embedded server through starlette's test client, which now prefers httpx2.
        warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient` is deprecated")
        return Context.from_app(app, api_key="embedded")


def _remote_context(uri: str, api_key: str | None) -> Any:
    try:
        # Tiled's own client repeats a refused connection for half a minute.
        proxies = not is_loopback(uri)
        httpx.get(uri, timeout=_ANSWER_TIMEOUT_S, follow_redirects=True, trust_env=proxies)
        return client_from_uri(uri, api_key=api_key, trust_env=proxies).context
    except (httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        raise StorageError(
            f"The Tiled server at {uri} does not answer as expected: {error}. "
            "Check that `tiled serve config` runs there, the address and the API key."
        ) from error


def images_folder(root: Path) -> Path:
    """Return the folder of image files of the data folder `root`, unless the detector's IOC has one of its own."""
    return root / "images"


def _readable(root: Path, images: Path | None) -> list[str]:
    return [_file_uri((images or images_folder(root)).resolve())]


def _file_uri(path: Path) -> str:
    return path.as_uri().replace("file://", "file://localhost")


def _storage(root: Path) -> list[str]:
    return [_file_uri(root / "data"), f"sqlite:///{root / 'tables.db'}"]


def _sqlite_uri(path: Path) -> str:
    return str(ensure_specified_sql_driver(f"sqlite:///{path}"))
