"""Clients of runs that read a stream with one request for its description and one for each of its parts.

The clients of databroker and Tiled ask for the description of each array twice, and for that of the stream three
times: 22 requests for a run with four arrays, of which 10 are needed. What they return is the same.
"""

from __future__ import annotations

import contextlib
import sys
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import dask
import dask.threaded
from bluesky_tiled_plugins.clients._common import IPYTHON_METHODS
from bluesky_tiled_plugins.clients.bluesky_event_stream import (
    BlueskyEventStream,
    BlueskyEventStreamV3,
    CompositeSubsetClient,
)
from bluesky_tiled_plugins.clients.bluesky_run import BlueskyRunV2, BlueskyRunV2SQL


def stream_client(context: Any, *, item: Any, **options: Any) -> Any:
    """Return the client of a stream of events (xarray Dataset by `read`), of version 3 where the catalogue allows."""
    made = _Stream if BlueskyEventStream._is_sql(item) else BlueskyEventStream
    return made(context, item=item, **options)


def broker_run(context: Any, *, item: Any, **options: Any) -> Any:
    """Return the client of a run in version 2 of the runs' programming interface, which databroker's Broker uses."""
    made = _BrokerRun if BlueskyRunV2._is_sql(item) else BlueskyRunV2
    return made(context, item=item, **options)


class _Described:
    # A client's `base` takes the descriptions of its parts from here in place of a request for each. They are those of
    # one moment: an open run grows meanwhile, so such a client serves one read only.

    item: Any

    def get_contents(self, **_options: Any) -> dict[str, Any]:
        """Return the descriptions of the parts by name, without a request."""
        contents: dict[str, Any] = self.item["attributes"]["structure"]["contents"]
        return contents


class _Stream(BlueskyEventStreamV3):
    def read(self, *args: Any, **named: Any) -> Any:
        described = _DescribedStream(self.context, item=_described(self), structure_clients=self.structure_clients)
        with _own_threads():
            return described.read(*args, **named)


class _DescribedStream(_Described, BlueskyEventStreamV3):
    pass


class _BrokerRun(BlueskyRunV2SQL):
    def __getattr__(self, key: str) -> Any:
        # A run is asked for one stream by name, not first for its list of streams.
        if key in IPYTHON_METHODS:
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError:
            raise AttributeError(key) from None

    def __getitem__(self, key: str | tuple[str, ...]) -> Any:
        name, *rest = ("/".join(key) if isinstance(key, tuple) else key).split("/", 1)
        stream = super().__getitem__(name)
        for part in ("data", "timestamps"):
            columns = _Columns(stream[part], stream[part]._keys)
            stream.set(part, lambda columns=columns: columns)
        return stream[rest[0]] if rest else stream


class _Columns(CompositeSubsetClient):
    def read(self, *args: Any, **named: Any) -> Any:
        described = SimpleNamespace(
            context=self.context, item=_described(self), structure_clients=self.structure_clients
        )
        with _own_threads():
            return _DescribedColumns(described, self._keys).read(*args, **named)


class _DescribedColumns(_Described, CompositeSubsetClient):
    pass


def _own_threads() -> AbstractContextManager[Any]:
    """Return a context in which dask computes with its threads, unless somebody has chosen otherwise.

    Left to itself, or given a name, dask looks for a cluster, and imports `distributed` for that: a second of the first
    read.
    """
    chosen = "distributed" in sys.modules or dask.config.get("scheduler", None) is not None
    return contextlib.nullcontext() if chosen else dask.config.set(scheduler=dask.threaded.get)


def _described(client: Any) -> dict[str, Any]:
    """Return the item of a stream's client with the descriptions of its parts, by one request."""
    attributes = client.item["attributes"]
    structure = {**attributes["structure"], "contents": client.get_contents()}
    return {**client.item, "attributes": {**attributes, "structure": structure}}
