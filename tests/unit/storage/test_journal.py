"""If these fail, measured exposures are lost, or a run goes on unrecorded."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import StorageError
from storage.journal import Journal, journal_paths, require_free_space, subscriber, uid_of
from storage.records import MAGIC, pack_record, read_contents, read_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluesky import RunEngine


def test_every_document_is_on_disk_before_the_run_continues(
    tmp_path: Path, run_engine: RunEngine, scan: Callable[..., Any], make_event_data: Callable[..., Any]
) -> None:
    """Lost: the exposures between the last write and a crash."""
    run_engine.subscribe(subscriber(Journal(tmp_path)))
    lengths: list[int] = []

    def look(index: int) -> None:
        lengths.append(len(read_contents(journal_paths(tmp_path)[0]).documents))

    run_engine(scan(3, 1, before=look))
    assert lengths == [1, 3, 4]
    (path,) = journal_paths(tmp_path)
    contents = read_contents(path)
    assert not contents.is_torn
    assert [name for name, _ in contents.documents] == ["start", "descriptor", "event", "event", "event", "stop"]
    counts = contents.documents[3][1]["data"]["spc_counts"]
    assert counts.dtype == np.dtype("<i8")
    np.testing.assert_array_equal(counts, make_event_data(1, 3)["spc_counts"])
    counts += 1


@given(cut=st.integers(min_value=0, max_value=10**6))
def test_a_file_cut_anywhere_gives_its_whole_records(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Lost: a whole run because of its last, half-written event."""
    records = [pack_record("event", {"seq_num": i, "data": {"a": np.arange(i + 1.0)}}) for i in range(5)]
    ends = np.cumsum([len(MAGIC), *map(len, records)])
    whole = MAGIC + b"".join(records)
    cut %= len(whole) + 1
    path = tmp_path_factory.getbasetemp() / "cut.journal"
    path.write_bytes(whole[:cut])
    contents = read_contents(path)
    assert len(contents.documents) == max(0, int(np.searchsorted(ends, cut, side="right")) - 1)
    assert contents.is_torn == (cut not in ends and cut > 0)
    assert contents.whole_bytes + contents.torn_bytes == cut


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"\x08\0\0\0\x01\x02\x03\x04garbage!", b"\xff" * 9])
def test_zeros_and_garbage_after_a_power_cut_are_torn(tmp_path: Path, tail: bytes) -> None:
    """Lost: a run whose file was padded with zeros or garbage at a power cut."""
    path = tmp_path / "x.journal"
    path.write_bytes(MAGIC + pack_record("start", {"uid": "a"}) + tail)
    contents = read_contents(path)
    assert contents.documents == [("start", {"uid": "a"})]
    assert contents.torn_bytes == len(tail)


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    """Lost: digits of what was measured, NaN and large numbers included."""
    doc: dict[str, Any] = {
        "f4": np.arange(6, dtype=">f4").reshape(2, 3)[:, ::2],
        "empty": np.zeros((0, 5), dtype="u2"),
        "text": np.array(["a", "µs"]),
        "scalar": np.float64(0.1),
        "count": np.int64(2**53 + 1),
        "nan": float("nan"),
        "nested": {"list": [1, [2.5, None, True, "x"]], "tuple": (1, 2)},
    }
    path = tmp_path / "x.journal"
    path.write_bytes(MAGIC + pack_record("event", doc))
    ((_, back),) = read_contents(path).documents
    for key in ("f4", "empty", "text"):
        np.testing.assert_array_equal(back[key], doc[key])
        assert back[key].dtype == doc[key].dtype
    assert back["scalar"] == 0.1
    assert back["count"] == 2**53 + 1
    assert np.isnan(back["nan"])
    assert back["nested"] == {"list": [1, [2.5, None, True, "x"]], "tuple": [1, 2]}


def test_an_array_is_stored_as_every_version_reads_it(tmp_path: Path) -> None:
    """Lost: runs of this version for an earlier one, and the other way round, by a record that only looks the same."""
    arrays = {"f4": np.arange(6, dtype=">f4").reshape(2, 3)[:, ::2], "empty": np.zeros((0, 5)), "one": np.array(7)}
    doc = {"data": {**arrays, "large": np.zeros((300, 300)), "objects": np.array([1, "a"], dtype=object)}}
    payload = pack_record("event", doc)[8:]
    name, stored = msgpack.unpackb(payload, ext_hook=lambda code, data: (code, msgpack.unpackb(data)))
    assert name == "event"
    for key, array in {**arrays, "large": doc["data"]["large"]}.items():
        assert stored["data"][key] == (1, [array.dtype.str, list(array.shape), array.tobytes()])
    assert stored["data"]["objects"] == [1, "a"]


def test_a_document_that_cannot_be_stored_ends_the_plan(
    tmp_path: Path, run_engine: RunEngine, scan: Callable[..., Any]
) -> None:
    """Lost: an error before the first exposure about metadata that cannot be stored."""
    run_engine.subscribe(subscriber(Journal(tmp_path)))
    with pytest.raises(StorageError, match="start document cannot be stored"):
        run_engine(scan(1, 1, comment=object()))
    assert journal_paths(tmp_path) == []


def test_a_full_disk_ends_the_plan_and_keeps_what_was_measured(
    tmp_path: Path, run_engine: RunEngine, scan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: hours of beam time measured into nothing."""
    run_engine.subscribe(subscriber(Journal(tmp_path)))
    seen: list[int] = []
    real_write, state = os.write, ["room"]

    def fill(index: int) -> None:
        seen.append(index)
        state[0] = "some room" if index == 2 else "room"

    def write(descriptor: int, data: Any) -> int:
        # As on a real disk: a part of the record fits, then nothing; then the unfinished record is taken back.
        if state[0] == "some room":
            state[0] = "full"
            return real_write(descriptor, bytes(data)[:100])
        if state[0] == "full":
            state[0] = "room"
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(StorageError, match=r"No space left.*free.*Free space on that disk") as raised:
        run_engine(scan(5, 1, before=fill))
    assert str(tmp_path) in str(raised.value)
    assert seen == [0, 1, 2]
    contents = read_contents(journal_paths(tmp_path)[0])
    assert not contents.is_torn
    assert [name for name, _ in contents.documents] == ["start", "descriptor", "event", "event", "stop"]
    assert contents.documents[-1][1]["exit_status"] == "fail"


def test_a_plan_that_retries_cannot_continue_unrecorded(
    tmp_path: Path, run_engine: RunEngine, scan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: exposures in an unnoticed gap, if a plan ignores the error and the disk works again later."""
    journal = Journal(tmp_path)
    start = {"uid": "a", "time": 0.0}
    journal("start", start)
    journal("descriptor", {"uid": "d", "run_start": "a"})
    event = {"uid": "e", "descriptor": "d", "data": {}}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_disk)
        # The disk works while the next exposure is prepared; the event of that one waits for it, and is refused.
        journal("event", event)
        with pytest.raises(StorageError, match="Input/output error"):
            journal("event", {**event, "uid": "e2"})
    with pytest.raises(StorageError, match="Run a is no longer recorded"):
        journal("event", event)
    journal("stop", {"uid": "s", "run_start": "a"})
    assert [name for name, _ in read_contents(journal_paths(tmp_path)[0]).documents] == ["start", "descriptor", "stop"]
    journal.close()


def test_a_run_whose_disk_refuses_to_take_a_record_back_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: all later events, behind a torn record that no reader passes."""
    journal = Journal(tmp_path)
    journal("start", {"uid": "a", "time": 0.0})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_disk)
        patch.setattr(os, "ftruncate", _no_disk)
        with pytest.raises(StorageError, match="Input/output error"):
            journal("descriptor", {"uid": "d", "run_start": "a"})
    with pytest.raises(StorageError, match="no longer recorded"):
        journal("event", {"uid": "e", "descriptor": "d", "data": {}})
    journal.close()


def test_a_disk_that_fails_at_the_last_event_is_reported_with_the_stop_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: the last exposure of a run, unnoticed, as no further event would report it."""
    journal = Journal(tmp_path)
    journal("start", {"uid": "a", "time": 0.0})
    journal("descriptor", {"uid": "d", "run_start": "a"})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_disk)
        journal("event", {"uid": "e", "descriptor": "d", "data": {}})
        with pytest.raises(StorageError, match="Input/output error"):
            journal("datum", {"datum_id": "r/1", "resource": "d", "run_start": "a"})
    journal("stop", {"uid": "s", "run_start": "a"})
    assert [name for name, _ in read_contents(journal_paths(tmp_path)[0]).documents] == ["start", "descriptor", "stop"]
    journal.close()


def test_an_event_is_in_the_file_before_the_disk_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the latest exposure of a session that is killed while its disk is busy."""
    journal = Journal(tmp_path)
    journal("start", {"uid": "a", "time": 0.0})
    journal("descriptor", {"uid": "d", "run_start": "a"})
    busy = threading.Event()
    synced: list[int] = []

    def slow_sync(descriptor: int) -> None:
        busy.wait(10.0)
        synced.append(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", slow_sync)
        journal("event", {"uid": "e1", "descriptor": "d", "data": {}})
        assert synced == []
        assert [name for name, _ in read_contents(journal_paths(tmp_path)[0]).documents][-1] == "event"
        busy.set()
        # The next event waits until the first one is on disk.
        journal("event", {"uid": "e2", "descriptor": "d", "data": {}})
        assert synced
    journal.close()


def _no_disk(*_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_journals_sort_by_time_even_within_a_second(tmp_path: Path) -> None:
    """Lost: the newest run as number -1."""
    journal = Journal(tmp_path)
    for uid, time_s in (("z-1", 1e9), ("y-2", 1e9 + 0.002), ("x-3", 1e9 + 1.0)):
        journal("start", {"uid": uid, "time": time_s})
    assert [uid_of(path) for path in journal_paths(tmp_path)] == ["z-1", "y-2", "x-3"]
    assert journal_paths(tmp_path)[0].name == "20010909T014640.000-z-1.journal"
    assert read_start(journal_paths(tmp_path)[2])["uid"] == "x-3"
    journal.close()


def test_interleaved_runs_keep_their_documents(tmp_path: Path) -> None:
    """Lost: events that land in the file of another run."""
    journal = Journal(tmp_path)
    for run in "ab":
        journal("start", {"uid": run, "time": 0.0})
        journal("descriptor", {"uid": f"d{run}", "run_start": run})
    for run in "abba":
        journal("event", {"uid": f"e{run}", "descriptor": f"d{run}"})
    journal("resource", {"uid": "r", "run_start": "b"})
    journal("datum", {"datum_id": "r/1", "resource": "r"})
    for run in "ab":
        journal("stop", {"uid": f"s{run}", "run_start": run})
    first, second = (read_contents(path).documents for path in journal_paths(tmp_path))
    assert [doc.get("descriptor", "da") for _, doc in first] == ["da"] * 5
    assert [name for name, _ in second] == ["start", "descriptor", "event", "event", "resource", "datum", "stop"]
    with pytest.raises(StorageError, match="none of the 0 open runs"):
        journal("event", {"uid": "e", "descriptor": "da"})
    journal.close()


def test_a_run_is_refused_before_it_starts_if_it_does_not_fit(tmp_path: Path) -> None:
    """Lost: a warning of a full disk before the beam time is spent."""
    require_free_space(tmp_path, 1)
    with pytest.raises(StorageError, match=r"free, but the run needs 1e\+06 TB"):
        require_free_space(tmp_path, 10**18)
    with pytest.raises(StorageError, match="not a folder"):
        require_free_space(tmp_path / "absent", 1)
