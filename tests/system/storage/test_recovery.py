"""If these fail, a run of a killed process is incomplete or unreadable after the next start."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import yaml

from errors import StorageError
from storage import Store, TiledServer, list_runs, load_run, open_store
from storage.catalogue import open_catalogue, server_configuration
from storage.journal import Journal, journal_paths
from storage.locked_file import LockedFile, is_locked
from storage.records import read_contents
from storage.run_writer import _FlushingWriter, write_run
from tests.support.postgres import is_installed, postgres
from tests.support.recorded_runs import uids_of
from tests.support.waiting import COMMAND_S, WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bluesky import RunEngine


REPOSITORY = Path(__file__).parents[3]

MEASURE = """
import sys
sys.path.insert(0, "tests/unit/storage")
from bluesky import RunEngine
from tests.support.fixtures.storage import delay_scan
from storage import open_store

def report(index):
    if index == 3:
        store.wait()
    print(index, flush=True)
    if index == 5:
        sys.stdin.readline()

RE = RunEngine(context_managers=[])
store = open_store(sys.argv[1], flush_period_s=3600.0)
store.subscribe(RE)
RE(delay_scan(4, 2, before=report))
"""


@pytest.fixture
def measuring(root: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a real process that measures in `root` and waits before its sixth exposure; three are catalogued."""
    processes: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", MEASURE, str(root)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True)
        processes.append(process)
        assert process.stdout is not None
        while process.stdout.readline().strip() != "5":
            assert process.poll() is None
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=WAIT_S)


def test_kill_9_loses_nothing(
    root: Path,
    measuring: Callable[..., subprocess.Popen[str]],
    make_event_data: Callable[..., Any],
) -> None:
    """Lost: all exposures of the night, or those that the catalogue did not hold yet, after a crash in the morning.

    While the process lives, its run is running and nobody else touches it.
    """
    process = measuring()
    with open_store(root) as store:
        assert store.recovery.catalogued == []
        summary = list_runs(store)[0]
        assert (summary.status, summary.points_done, summary.points_intended) == ("running", 5, 8)
        process.kill()
        process.wait(WAIT_S)
        assert list_runs(store)[0].status == "interrupted"
    with open_store(root) as store:
        assert store.recovery.catalogued == store.recovery.closed == [summary.uid]
        documents = load_run(store, -1)
        assert [name for name, _ in documents] == ["start", "descriptor", *["event"] * 5, "stop"]
        stop = documents[-1][1]
        assert (stop["exit_status"], stop["num_events"]) == ("abort", {"primary": 5})
        assert "died before the run ended" in stop["reason"]
        assert stop["time"] == documents[-2][1]["time"]
        table = store.db[summary.uid].table()
        assert len(table) == 5
        for index in range(5):
            np.testing.assert_array_equal(table["spc_counts"].iloc[index], make_event_data(index, 4)["spc_counts"])
        assert store.db[-1].stop["exit_status"] == "abort"
        summary = list_runs(store)[0]
        assert (summary.status, summary.points_done) == ("interrupted", 5)
        assert store.next_scan_id() == 2
    with open_store(root) as store:
        assert store.recovery.catalogued == []
        assert len(store.catalogue.client) == 1


@pytest.fixture
def left_behind(root: Path, run_engine: RunEngine, scan: Callable[..., Any]) -> Path:
    """A data folder with a whole run that was journalled but not catalogued."""
    journal = Journal(root)
    run_engine.subscribe(journal)
    run_engine(scan(3, 1))
    journal.close()
    return root


def test_a_session_that_ends_without_closing_still_writes_its_last_run(root: Path) -> None:
    """Lost: the last run from the catalogue, until the next start, for everybody who just types exit."""
    script = MEASURE.replace("sys.stdin.readline()", "pass")
    subprocess.run([sys.executable, "-c", script, str(root)], cwd=REPOSITORY, check=True, timeout=COMMAND_S)
    with open_store(root) as store:
        assert store.recovery.catalogued == []
        assert len(store.db[-1].table()) == 8


@pytest.mark.long
def test_two_processes_that_start_at_once_share_the_work(left_behind: Path) -> None:
    """Lost: a run that is in the catalogue once and whole."""
    script = (
        "import json, sys; from storage import open_store\n"
        "store = open_store(sys.argv[1]); print(json.dumps([store.recovery.catalogued, store.recovery.failed]))\n"
        "store.close()"
    )
    command = [sys.executable, "-c", script, str(left_behind)]
    processes = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [json.loads(process.communicate(timeout=WAIT_S)[0]) for process in processes]
    assert sorted(len(catalogued) for catalogued, _ in results) == [0, 1]
    assert [failed for _, failed in results] == [{}, {}]
    with open_store(left_behind) as store:
        assert len(store.db[-1].table()) == 3


@pytest.mark.long
def test_a_shared_server_holds_the_catalogue(
    root: Path, tmp_path: Path, run_engine: RunEngine, scan: Callable[..., Any], unused_port: int
) -> None:
    """Lost: several users on one catalogue, with nothing changed but an address and a key."""
    configuration = tmp_path / "server.yml"
    configuration.write_text(yaml.safe_dump(server_configuration(root)))
    command = [sys.executable, "-m", "tiled", "serve", "config", str(configuration), "--port", str(unused_port)]
    log = tmp_path / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env={**os.environ, "TILED_SINGLE_USER_API_KEY": "secret"}, stdout=output, stderr=output
        )
    try:
        uri = f"http://127.0.0.1:{unused_port}"
        wait_until_served(uri, process, log)
        with open_store(tmp_path / "journals", server=TiledServer(uri=uri, api_key="secret")) as store:
            store.subscribe(run_engine)
            (uid,) = uids_of(run_engine(scan(3, 1)))
            store.wait()
            assert len(store.db[uid].table()) == 3
            assert [name for name, _ in store.db[uid].documents()][-1] == "stop"
        with open_store(tmp_path / "another machine", server=TiledServer(uri=uri, api_key="secret")) as store:
            assert [summary.uid for summary in list_runs(store)] == [uid]
            assert load_run(store, -1)[0][1]["uid"] == uid
    finally:
        process.terminate()
        process.wait(WAIT_S)
    with open_catalogue(root) as catalogue:
        assert len(catalogue.broker[uid].table()) == 3


@pytest.mark.long
@pytest.mark.skipif(not is_installed(), reason="PostgreSQL is not installed")
def test_a_shared_catalogue_lives_in_postgresql(
    root: Path, tmp_path: Path, run_engine: RunEngine, scan: Callable[..., Any], unused_port: int
) -> None:
    """Lost: the catalogue of a facility, whose database is not a file; rows of the runs are in it, too."""
    with postgres(tmp_path / "postgres", unused_port) as address:
        served = server_configuration(root)
        arguments = served["trees"][0]["args"]
        arguments |= {"uri": f"postgresql+asyncpg://{address}", "init_if_not_exists": True}
        arguments["writable_storage"][1] = f"postgresql://{address}"
        configuration = tmp_path / "server.yml"
        configuration.write_text(yaml.safe_dump(served))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "tiled", "serve", "config", str(configuration), "--port", str(port)]
        log = tmp_path / "server.log"
        with log.open("w") as output:
            key = {"TILED_SINGLE_USER_API_KEY": "secret"}
            process = subprocess.Popen(command, env={**os.environ, **key}, stdout=output, stderr=output)
        try:
            uri = f"http://127.0.0.1:{port}"
            wait_until_served(uri, process, log)
            with open_store(tmp_path / "journals", server=TiledServer(uri=uri, api_key="secret")) as store:
                store.subscribe(run_engine)
                (uid,) = uids_of(run_engine(scan(3, 1)))
                store.wait()
            with open_store(tmp_path / "another machine", server=TiledServer(uri=uri, api_key="secret")) as store:
                assert len(store.db[uid].table()) == 3
                assert load_run(store, -1)[0][1]["uid"] == uid
        finally:
            process.terminate()
            process.wait(WAIT_S)


def wait_until_served(uri: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{uri}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            process_alive_for(process, 0.1)
    raise AssertionError(log.read_text())


def process_alive_for(process: subprocess.Popen[bytes], seconds: float) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_torn_tail_is_kept_aside(left_behind: Path) -> None:
    """Lost: the whole records before a half-written one, or the bytes of that one."""
    (path,) = journal_paths(left_behind)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    stop_size = len(whole) - 5 - read_contents(path).whole_bytes
    with open_store(left_behind) as store:
        assert len(store.recovery.closed) == 1
        assert [name for name, _ in load_run(store, -1)] == ["start", "descriptor", *["event"] * 3, "stop"]
        assert list_runs(store)[0].status == "interrupted"
    (torn,) = (left_behind / "journal").glob("*.torn")
    assert torn.read_bytes() == whole[-5 - stop_size : -5]


def test_a_run_that_another_process_recovers_is_left_to_it(left_behind: Path) -> None:
    """Lost: one copy of a run in the catalogue, if two starting processes both write it."""
    (path,) = journal_paths(left_behind)
    other = LockedFile.take(path)
    assert other is not None
    assert is_locked(path)
    with open_store(left_behind) as store:
        assert store.recovery.catalogued == []
    other.close()
    with open_store(left_behind) as store:
        assert len(store.recovery.catalogued) == 1


def test_a_run_that_the_catalogue_refuses_stops_nothing(left_behind: Path) -> None:
    """Lost: a beamline that starts, or the other runs, because one journal is damaged."""
    damaged = left_behind / "journal" / "20200101T000000.000-damaged.journal"
    damaged.write_bytes(b"not a journal")
    with open_store(left_behind) as store:
        assert len(store.recovery.catalogued) == 1
        assert "no readable start document" in store.recovery.failed["20200101T000000.000-damaged"]
        assert len(list_runs(store)) == 1
        assert load_run(store, 1)[-1][0] == "stop"
    assert damaged.exists()


@pytest.mark.long
def test_a_lost_catalogue_is_rebuilt_from_the_journals(
    root: Path, run_engine: RunEngine, scan: Callable[..., Any], empty_catalogue: Path
) -> None:
    """Lost: everything, with a damaged database."""
    with open_store(root) as store:
        store.subscribe(run_engine)
        uids = [uids_of(run_engine(scan(2, 1)))[0] for _ in range(2)]
    shutil.copy(empty_catalogue / "catalog.db", root / "catalog.db")
    (root / "tables.db").unlink()
    with open_store(root, rebuild=True) as store:
        assert store.recovery.catalogued == uids
        assert [len(store.db[uid].table()) for uid in uids] == [2, 2]


def test_journal_and_catalogue_give_the_same_run(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], tmp_path: Path
) -> None:
    """Lost: trust in old runs whose journal was moved away."""
    store.subscribe(run_engine)
    run_engine(scan(3, 2))
    store.wait()
    kept = load_run(store, -1)
    (path,) = journal_paths(store.root)
    path.rename(tmp_path / path.name)
    start, descriptor, page, stop = (doc for _, doc in load_run(store, -1))
    assert load_run(store, start["uid"][:8])[0] == load_run(store, 1)[0] == ("start", start)
    assert start == kept[0][1]
    assert stop == kept[-1][1]
    assert descriptor["configuration"]["exposure"]["data"] == kept[1][1]["configuration"]["exposure"]["data"]
    events = [doc for name, doc in kept if name == "event"]
    assert page["seq_num"] == [event["seq_num"] for event in events]
    assert page["time"] == [event["time"] for event in events]
    assert page["data"].keys() == events[0]["data"].keys()
    for index, event in enumerate(events):
        for key, value in event["data"].items():
            other = page["data"][key][index]
            assert type(other) is type(value), key
            np.testing.assert_array_equal(other, value, err_msg=key)
            if isinstance(value, np.ndarray):
                assert (other.dtype, other.shape) == (value.dtype, value.shape)
            assert page["timestamps"][key][index] == event["timestamps"][key]
    (summary,) = list_runs(store)
    assert (summary.status, summary.points_done, summary.points_intended) == ("complete", 6, 6)


def test_awkward_values_are_the_same_from_both(store: Store, tmp_path: Path) -> None:
    """Lost: digits, where a device declares no numpy type, gives lists, NaN, whole numbers for floats or pages."""
    documents = awkward_documents()
    journal = Journal(store.root)
    for name, doc in documents:
        journal(name, doc)
    journal.archive("awkward")
    write_run(store.catalogue, documents)
    columns = []
    for _ in range(2):
        loaded = load_run(store, "awkward")
        pages = [doc for name, doc in loaded if name == "event_page"]
        columns.append({key: [value for page in pages for value in page["data"][key]] for key in pages[0]["data"]})
        for path in journal_paths(store.root):
            path.unlink()
    for key, column in columns[0].items():
        for one, other in zip(column, columns[1][key], strict=True):
            np.testing.assert_array_equal(one, other, err_msg=key)
            assert type(one) is type(other), key
            assert getattr(one, "dtype", None) == getattr(other, "dtype", None), key
    assert columns[0]["number"][0] == 1.0
    assert columns[0]["list"][2].tolist() == [1.5, 2.0]
    assert columns[0]["short"][0].dtype == np.dtype("i2")


def awkward_documents() -> list[tuple[str, dict[str, Any]]]:
    keys = {
        "number": {"dtype": "number", "shape": [], "source": "x"},
        "count": {"dtype": "integer", "shape": [], "source": "x"},
        "flag": {"dtype": "boolean", "shape": [], "source": "x"},
        "list": {"dtype": "array", "shape": [2], "source": "x"},
        "short": {"dtype": "array", "shape": [2], "source": "x"},
    }
    values = [
        {"number": 1, "count": 2**53 + 1, "flag": True, "list": [1, 2]},
        {"number": float("nan"), "count": -1, "flag": False, "list": [3, 4]},
        {"number": np.float64(1e-300), "count": np.int64(7), "flag": np.bool_(True), "list": [1.5, 2]},
    ]
    for number, row in enumerate(values):
        row["short"] = np.array([number, 2], dtype="i2")
    page = {
        "descriptor": "awkward-d",
        "uid": ["1", "2", "3"],
        "seq_num": [1, 2, 3],
        "time": [1.5, 2.5, 3.5],
        "data": {key: [row[key] for row in values] for key in keys},
        "timestamps": {key: [1.0, 2.0, 3.0] for key in keys},
        "filled": {},
    }
    descriptor = {
        "uid": "awkward-d",
        "run_start": "awkward",
        "time": 1.0,
        "name": "primary",
        "data_keys": keys,
        "configuration": {},
        "hints": {},
        "object_keys": {"x": list(keys)},
    }
    stop = {"uid": "awkward-s", "run_start": "awkward", "time": 4.0, "exit_status": "success", "reason": ""}
    start = {"uid": "awkward", "time": 0.5, "scan_id": 1}
    return [("start", start), ("descriptor", descriptor), ("event_page", page), ("stop", stop)]


def test_an_error_in_the_catalogue_reaches_the_user_and_loses_nothing(
    root: Path, run_engine: RunEngine, scan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: runs that silently never reach the catalogue; or a run that ends because a database does not answer."""
    with monkeypatch.context() as patch:
        patch.setattr(_FlushingWriter, "start", _refuse)
        store = open_store(root)
        store.subscribe(run_engine)
        (uid,) = uids_of(run_engine(scan(2, 1)))
        with pytest.raises(StorageError, match=f"1 runs are not in the catalogue: run {uid}: database is locked"):
            store.wait()
        assert list(store.errors) == [uid]
        assert [name for name, _ in load_run(store, uid)][-1] == "stop"
        with pytest.raises(StorageError, match="open the store again"):
            store.close()
    with open_store(root) as store:
        assert store.recovery.catalogued == [uid]
        assert len(store.db[uid].table()) == 2


def test_a_passing_error_is_mended_at_the_end_of_the_run(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: events from the catalogue's copy, if one flush failed while the run went on."""
    store.subscribe(run_engine)
    failures = iter([True])
    real = _FlushingWriter._write_internal_data

    def fail_once(self: Any, *args: Any, **options: Any) -> None:
        if next(failures, False):
            raise RuntimeError("database is locked")
        real(self, *args, **options)

    monkeypatch.setattr(_FlushingWriter, "_write_internal_data", fail_once)
    (uid,) = uids_of(run_engine(scan(4, 1, before=lambda index: store.wait() if index == 2 else None)))
    store.wait()
    assert store.errors == {}
    assert len(store.db[uid].table()) == 4


def _refuse(self: Any, doc: Any) -> None:
    raise RuntimeError("database is locked")
