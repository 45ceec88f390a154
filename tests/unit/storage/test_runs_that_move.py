"""If these fail, a user who lists runs while a session writes them sees an error, or not all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storage import Store, TiledServer, list_runs, load_chain, load_run, open_store
from storage.atomic_file import write_atomically
from storage.catalogue_files import catalogued_uids
from storage.journal import done_folder, journal_paths
from storage.locked_file import LockedFile
from storage.records import read_start
from storage.runs import find_uid, needs_catalogue
from tests.support.live_runs import delay_run
from tests.support.stored_runs import StoredRuns


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two runs that have ended and are not catalogued yet."""
    stored = StoredRuns(tmp_path)
    for uid in ("first", "second"):
        stored.write([(name, {**doc, "time": doc["time"] + 10.0 * (uid == "second")}) for name, doc in delay_run(uid)])
    stored.close()
    with open_store(tmp_path, recover_runs=False) as opened:
        yield opened


def test_a_run_that_is_catalogued_while_it_is_looked_up_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the list of runs, or the documents of a run, while the session's writer archives its journal."""
    listed = journal_paths(store.root)
    for path in listed:
        file = LockedFile.take(path)
        assert file is not None
        file.move(done_folder(store.root))
        file.close()
    monkeypatch.setattr("storage.runs.journal_paths", lambda _root: listed)
    assert [run.uid for run in list_runs(store, journals_only=True)] == ["second", "first"]
    assert load_run(store, "first")[-1][0] == "stop"
    assert read_start(listed[1])["uid"] == "second"


def test_the_newest_run_is_the_newest_that_can_be_read(store: Store) -> None:
    """Lost: the last good run, by its number -1, because a journal after it is damaged."""
    (store.root / "journal" / "29990101T000000.000-damaged.journal").write_bytes(b"not a journal")
    assert [run.uid for run in list_runs(store, limit=1, journals_only=True)] == ["second"]


def test_the_catalogue_is_opened_only_for_runs_without_a_journal(store: Store) -> None:
    """Lost: three seconds of every `trxas runs list`; or, in a folder without its journals, the runs themselves."""
    nodes = [(0, None, ""), (1, 0, "first"), (2, 0, "second"), (3, 1, "primary")]
    with closing(sqlite3.connect(store.root / "catalog.db")) as database, database:
        database.execute("CREATE TABLE nodes (id INTEGER PRIMARY KEY, parent INTEGER, key VARCHAR)")
        database.executemany("INSERT INTO nodes VALUES (?, ?, ?)", nodes)
    assert catalogued_uids(store.root) == {"first", "second"}
    assert [run.uid for run in list_runs(store)] == ["second", "first"]
    assert find_uid(store, -1) == "second"
    assert not store.may_have_others(["first", "second"])
    assert store.may_have_others(["first"])
    assert not needs_catalogue(store)
    assert not needs_catalogue(Store(store.root, server=TiledServer(uri="http://127.0.0.1:9", is_shared=False)))
    assert needs_catalogue(Store(store.root, server=TiledServer(uri="http://127.0.0.1:9"))), (
        "a shared server has runs of other folders"
    )
    (store.root / "catalog.db").write_bytes(b"damaged")
    assert store.may_have_others(["first", "second"])
    assert needs_catalogue(store)


def test_a_stock_plan_on_the_point_of_a_beamline_is_complete(tmp_path: Path) -> None:
    """Lost: a count of five exposures is listed as stopped, as if somebody had ended it; all have the same place."""
    with open_store(tmp_path, recover_runs=False) as store:
        start = {"uid": "count", "time": 1.0, "scan_id": 1, "plan_name": "count", "num_points": 3}
        stored = StoredRuns(tmp_path)
        data = {"scan_index": 0, "point_index": 0}
        events = [
            (
                "event",
                {"uid": f"event-{n}", "descriptor": "d", "seq_num": n, "time": 1.0, "data": data, "timestamps": {}},
            )
            for n in (1, 2, 3)
        ]
        descriptor = {"uid": "d", "run_start": "count", "name": "primary", "time": 1.0, "data_keys": {}}
        stop = {
            "uid": "stop",
            "run_start": "count",
            "time": 2.0,
            "exit_status": "success",
            "num_events": {"primary": 3},
        }
        stored.write([("start", start), ("descriptor", descriptor), *events, ("stop", stop)])
        stored.close()
        (found,) = list_runs(store, journals_only=True)
    assert (found.status, found.points_done, found.points_intended) == ("complete", 3, 3)


def test_a_private_file_is_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: a secret key, to another user who reads the file before its permissions are set."""
    path = tmp_path / "secret"
    seen: list[Any] = []
    (tmp_path / "secret.new").write_text("left by a killed process")
    monkeypatch.setattr(
        "os.fsync", lambda _descriptor: seen.extend(p.stat().st_mode & 0o777 for p in tmp_path.iterdir())
    )
    write_atomically(path, "key", private=True)
    assert set(seen) == {0o600}
    assert path.read_text() == "key"


def test_a_chain_is_in_the_order_of_its_runs_whatever_the_clock_did(tmp_path: Path) -> None:
    """Lost: the beginning of an interrupted run, or digits of its sums, because a clock was set back."""
    stored = StoredRuns(tmp_path)
    for number, uid in enumerate(("first", "second", "third")):
        resumes = {"resumes": "first"} if number else {}
        documents = [(name, {**doc, "time": doc["time"] - 1000.0 * number}) for name, doc in delay_run(uid)]
        documents[0][1].update(scan_id=number + 1, **resumes)
        stored.write(documents)
    stored.close()
    with open_store(tmp_path, recover_runs=False) as store:
        for uid in ("first", "second", "third"):
            assert [run[0][1]["uid"] for run in load_chain(store, uid)] == ["first", "second", "third"]
