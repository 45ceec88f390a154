"""If these fail, a user cannot read back in the next session what was measured in this one."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import StorageError
from storage import list_runs, load_run, open_store
from tests.support.recorded_runs import uids_of
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluesky import RunEngine

    from storage import Store


def measured(store: Store, run_engine: RunEngine, plan: Any, **md: Any) -> str:
    (uid,) = uids_of(run_engine(plan, **md))
    store.wait()
    return uid


def test_databroker_gives_back_what_was_measured(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], make_event_data: Callable[..., Any]
) -> None:
    """Lost: reading one's data with the usual commands."""
    store.subscribe(run_engine)
    uid = measured(store, run_engine, scan(4, 2))
    table = store.db[uid].table()
    assert len(table) == 8
    for index, row in enumerate(table.to_dict("records")):
        expected = make_event_data(index, 4)
        for key, value in expected.items():
            np.testing.assert_array_equal(row[key], value, err_msg=key)
    dataset = store.db.v2[uid]["primary"].read()
    assert dataset["spc_counts"].shape == (8, 2, 5)
    assert dataset["spc_counts"].dtype == np.dtype("i8")
    np.testing.assert_array_equal(dataset["boxcar_mean"][3], make_event_data(3, 4)["boxcar_mean"])
    header = store.db[-1]
    assert header.start["grid"]["points"] == [0.0, 100.0, 200.0, 300.0]
    assert header.stop["exit_status"] == "success"
    assert [name for name, _ in header.documents()] == ["start", "descriptor", *["event"] * 8, "stop"]
    assert store.catalogue.client[uid]["primary"]["spc_counts"].read().shape == (8, 2, 5)
    config = store.db.v2[uid]["primary"]["config"]["exposure"].read()
    assert float(config["exposure_gate_ns"][0]) == 20.5


def test_databroker_finds_runs(store: Store, run_engine: RunEngine, scan: Callable[..., Any]) -> None:
    """Lost: finding a run by uid, beginning of uid, scan id, age, sample, edge or text."""
    store.subscribe(run_engine)
    first = measured(store, run_engine, scan(2, 1, sample="CsPbBr3 batch 4", edge="Pb L3"))
    second = measured(store, run_engine, scan(2, 1))
    db = store.db
    assert db[first].start["uid"] == db[first[:8]].start["uid"] == db[1].start["uid"] == db[-2].start["uid"] == first
    assert db[-1].start["uid"] == db[2].start["uid"] == second
    assert [h.start["uid"] for h in db(sample="CsPbBr3 batch 4")] == [first]
    assert [h.start["uid"] for h in db(edge="Br K", plan_name="delay_scan")] == [second]
    assert list(db(sample="GaAs")) == []
    assert {h.start["uid"] for h in db()} == {first, second}


def test_scan_ids_continue_over_restarts(root: Path, run_engine: RunEngine, scan: Callable[..., Any]) -> None:
    """Lost: telling two runs apart by their number."""
    with open_store(root) as store:
        store.subscribe(run_engine)
        run_engine(scan(1, 1))
        run_engine(scan(1, 1))
    with open_store(root) as store:
        assert store.next_scan_id({}) == 3
        assert store.next_scan_id({"scan_id": 1000}) == 1001
        (root / "scan_id").unlink()
        assert store.next_scan_id() == 3
        assert store.recovery.catalogued == []


def test_list_and_load_runs(store: Store, run_engine: RunEngine, scan: Callable[..., Any]) -> None:
    """Lost: seeing what was measured and whether it is complete."""
    store.subscribe(run_engine)
    assert list_runs(store) == []
    complete = measured(store, run_engine, scan(3, 2, sample="A"))

    def fail(index: int) -> None:
        if index == 4:
            raise RuntimeError("the jet stalled")

    with pytest.raises(RuntimeError, match="jet"):
        run_engine(scan(3, 2, sample="B", before=fail))
    store.wait()
    newest, oldest = list_runs(store)
    assert (newest.sample, newest.status, newest.points_done, newest.points_intended) == ("B", "fail", 4, 6)
    assert newest.reason == "the jet stalled"
    assert (oldest.uid, oldest.scan_id, oldest.status, oldest.points_done) == (complete, 1, "complete", 6)
    assert (oldest.plan_name, oldest.edge) == ("delay_scan", "Br K")
    assert list_runs(store, limit=1) == [newest]
    for key in (complete, complete[:6], 1, -2):
        assert load_run(store, key)[0][1]["uid"] == complete
    with pytest.raises(StorageError, match="No run has the uid 'zzz'"):
        load_run(store, "zzz")
    with pytest.raises(StorageError, match="No run has the scan id 77"):
        load_run(store, 77)
    with pytest.raises(StorageError, match="only 2 runs"):
        load_run(store, -3)
    run_engine.scan_id_source = lambda md: 1
    measured(store, run_engine, scan(1, 1))
    with pytest.raises(StorageError, match=r"Several runs fit 1: .*Give the uid"):
        load_run(store, 1)


def test_an_open_run_is_readable_everywhere(store: Store, run_engine: RunEngine, scan: Callable[..., Any]) -> None:
    """Lost: looking at a long run before it ends, in databroker, in the list and from its documents."""
    store.subscribe(run_engine)
    seen: dict[str, Any] = {}

    def look(index: int) -> None:
        if index == 5:
            store.wait()
            seen["table"] = len(store.db[-1].table())
            seen["summary"] = list_runs(store)[0]
            seen["documents"] = [name for name, _ in load_run(store, -1)]

    uid = measured(store, run_engine, scan(4, 2, before=look))
    assert seen["table"] == 5
    assert (seen["summary"].status, seen["summary"].points_done) == ("running", 5)
    assert seen["documents"] == ["start", "descriptor", *["event"] * 5]
    assert len(store.db[uid].table()) == 8


def test_a_run_flushed_often_is_read_from_one_piece(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], make_event_data: Callable[..., Any]
) -> None:
    """Lost: reading a slow run without waiting for thousands of small files."""
    store.subscribe(run_engine)
    uid = measured(store, run_engine, scan(10, 1, before=lambda index: store.wait()))
    counts = store.catalogue.client[uid]["primary"]["spc_counts"]
    assert counts.chunks[0] == (10,)
    np.testing.assert_array_equal(counts.read()[7], make_event_data(7, 10)["spc_counts"])
    assert len(store.db[uid].table()) == 10


def _started_since(before: set[threading.Thread]) -> set[threading.Thread]:
    # The loop of zarr starts up to six threads, as many as it had to serve at once. They are daemons as it is; those of
    # the server's loop are not.
    started = set(threading.enumerate()) - before
    return {one for one in started if not (one.daemon and one.name.startswith("asyncio_"))}


def test_closing_leaves_nothing_behind(root: Path, run_engine: RunEngine, scan: Callable[..., Any]) -> None:
    """Lost: a session that ends; and a run after closing that is silently not stored."""
    with open_store(root) as store:
        # The first array ever written starts the loop of zarr, which it keeps for all stores of the process.
        token = store.subscribe(run_engine)
        run_engine(scan(2, 1))
    run_engine.unsubscribe(token)
    before = set(threading.enumerate())
    with open_store(root) as store:
        store.subscribe(run_engine)
        (uid,) = uids_of(run_engine(scan(2, 1)))
    # The server's worker threads have been told to end; on a busy machine they do a moment later.
    for thread in _started_since(before):
        thread.join(WAIT_S)
    assert _started_since(before) == set()

    assert f"{uid}.journal" in {path.name.split("-", 1)[1] for path in (root / "journal" / "done").iterdir()}
    with pytest.raises(StorageError, match="store is closed"):
        run_engine(scan(2, 1))
    with pytest.raises(StorageError, match="closed"):
        _ = store.catalogue
    store.close()


def test_a_store_is_kept_alive_by_the_run_engine(root: Path, run_engine: RunEngine, scan: Callable[..., Any]) -> None:
    """Lost: whole runs, if bluesky's weak references drop a store that no variable holds."""
    store = open_store(root)
    store.subscribe(run_engine)
    journal = root / "journal"
    run_engine(scan(1, 1, before=lambda index: None))
    store.wait()
    catalogue, writer = store._catalogue, store._writer
    del store
    run_engine(scan(1, 1))
    assert writer is not None
    assert catalogue is not None
    writer.wait()
    assert len(list((journal / "done").iterdir())) == 2
    writer.close()
    catalogue.close()


def test_the_catalogue_has_no_event_that_the_disk_refused(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: one answer to what was measured, as the catalogue would have a point that the journal does not."""
    store.subscribe(run_engine)
    fsync = os.fsync
    left: list[int] = []

    def sync(descriptor: int) -> None:
        if left and left.pop():
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        fsync(descriptor)

    def fill_the_disk(index: int) -> None:
        if index == 2:
            left.append(1)

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(StorageError, match="Disk quota exceeded"):
        run_engine(scan(5, 1, before=fill_the_disk))
    store.wait()
    stored = [doc["seq_num"] for name, doc in load_run(store, -1) if name == "event"]
    assert len(stored) < 3
    assert len(store.db[-1].table()) == len(stored)
