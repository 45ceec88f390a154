"""If these fail, reading and writing runs through the catalogue takes twice the time, or any key opens it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import dask.array
import dask.threaded
import fastapi.dependencies.utils
import httpx
from bluesky_tiled_plugins.clients.bluesky_event_stream import BlueskyEventStream

from storage.catalogue import open_catalogue
from storage.catalogue_files import catalogued_uids
from tests.support.recorded_runs import uids_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from bluesky import RunEngine

    from storage import Store


def test_a_request_inspects_no_signatures_and_needs_the_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: half of the speed of all reading and writing, unnoticed, with another version of FastAPI or Tiled."""
    inspected: list[Any] = []
    found = fastapi.dependencies.utils.get_dependant

    def inspect(**named: Any) -> Any:
        inspected.append(named)
        return found(**named)

    with open_catalogue(root) as catalogue:
        catalogue.client.create_container("run", metadata={"number": 1})
        monkeypatch.setattr(fastapi.dependencies.utils, "get_dependant", inspect)
        assert catalogue.connect().values().first().metadata["number"] == 1
        # A list of runs asks the file itself, in Tiled's own tables.
        assert catalogued_uids(root) == set(catalogue.client) != set()
        http = catalogue.client.context.http_client
        address = catalogue.client.values().first().uri
        assert http.get(address).is_success
        assert http.get(address, headers={"Authorization": "Apikey another"}).status_code == httpx.codes.UNAUTHORIZED
    assert not inspected


def test_a_stream_is_read_with_few_requests_while_it_grows(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: half of the speed of reading, or exposures that have arrived since a stream was first read."""
    streams: list[Any] = []
    lengths: list[int] = []

    def read(index: int) -> None:
        if index in (2, 5):
            store.wait()
            # The stream of version 3 and that of databroker, found once and read at both moments.
            streams[:] = streams or [store.catalogue.connect()[-1]["primary"], store.db.v2[-1].primary]
            lengths.extend(len(stream.read()["delay_ps"]) for stream in streams)

    requested: list[str] = []
    send = httpx.Client.send

    def noted(self: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
        requested.append(f"{request.method} {request.url.path}")
        return send(self, request, **how)

    monkeypatch.setattr(httpx.Client, "send", noted)
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(scan(4, 2, before=read)))
    store.wait()
    assert lengths == [2, 2, 5, 5]
    assert not [each for each in requested if each.startswith("DELETE")], requested

    requested.clear()
    dataset = store.db.v2[uid].primary.read()
    assert len(requested) == 10, requested
    stock = store.catalogue.connect()
    stock.structure_clients.set("BlueskyEventStream", lambda: BlueskyEventStream)
    assert dataset.identical(stock.v2[uid].primary.read())
    assert store.catalogue.client[uid]["primary"].read().identical(stock[uid]["primary"].read())


def test_a_read_does_not_look_for_a_cluster(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: a second of the first read of every session, to the import of a package that nobody uses."""
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(scan(4, 1)))
    store.wait()
    schedulers: list[Any] = []
    compute = dask.array.Array.compute

    def spied(self: Any, **named: Any) -> Any:
        schedulers.append(dask.config.get("scheduler", None))
        return compute(self, **named)

    monkeypatch.setattr(dask.array.Array, "compute", spied)
    monkeypatch.delitem(sys.modules, "distributed", raising=False)
    assert len(store.db.v2[uid].primary.read()["delay_ps"]) == 4
    assert set(schedulers) == {dask.threaded.get}
    assert "distributed" not in sys.modules
