"""If these fail, a damaged night is not noticed, is repaired into something else, or loses what could still be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine

from storage import Store, list_runs, load_run, open_store
from storage.check import StoreCheck, check_store, repair_store
from storage.journal import Journal, journal_paths, uid_of
from storage.records import read_contents
from tests.support.recorded_runs import uids_of

Scan = Callable[..., Any]
Damage = Callable[[Path], None]


@pytest.fixture
def measured(root: Path, run_engine: RunEngine, scan: Scan) -> Path:
    """A data folder with two catalogued runs of eight exposures."""
    with open_store(root, flush_period_s=3600.0) as store:
        store.subscribe(run_engine)
        run_engine(scan(sample="first"))
        run_engine(scan(sample="second"))
    return root


def check(root: Path, *, repair: bool = False) -> StoreCheck:
    with open_store(root, recover_runs=False) as store:
        return repair_store(store) if repair else check_store(store)


def counts(store: Store, sample: str) -> list[np.ndarray[Any, Any]]:
    """What the catalogue has of a run, and the journal, exposure by exposure."""
    (run,) = store.db(sample=sample)
    from_catalogue = list(run.table()["spc_counts"])
    # A page has a list of arrays for an event's array.
    documents = load_run(store, run.start["uid"])
    data = [doc["data"]["spc_counts"] for name, doc in documents if name.startswith("event")]
    np.testing.assert_array_equal(np.reshape(data, (-1, 2, 5)), from_catalogue)
    return from_catalogue


def test_sound_runs_are_called_sound(measured: Path) -> None:
    """Lost: trust in the check."""
    found = check(measured)
    assert found.is_sound
    assert [(run.ended, run.events, run.catalogued_events) for run in found.runs] == [("yes", 8, 8)] * 2


def _newest(root: Path) -> Path:
    return journal_paths(root)[-1]


def _garbage_database(root: Path) -> None:
    (root / "catalog.db").write_bytes(b"this is no database" * 1000)


def _damaged_pages(root: Path) -> None:
    database = root / "catalog.db"
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    database.write_bytes(data)


def _array_gone(root: Path) -> None:
    """Zarr takes a chunk that is missing for zeros."""
    chunks = [path for path in (root / "data").rglob("*") if path.is_file() and "zarr" not in path.name]
    (chunk,) = [path for path in chunks if "spc_counts" in str(path) and uid_of(_newest(root)) in str(path)]
    chunk.unlink()


def _cut_after_cataloguing(root: Path) -> None:
    path = _newest(root)
    path.write_bytes(path.read_bytes()[:-900])


def _no_beginning(root: Path) -> None:
    path = _newest(root)
    path.write_bytes(b"\0" * 4000 + path.read_bytes()[4000:])


def _bit_flipped(root: Path) -> None:
    path = _newest(root)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Damage] = {
    "database is garbage": _garbage_database,
    "database damaged inside": _damaged_pages,
    "database gone": lambda root: (root / "catalog.db").unlink(),
    "tables gone": lambda root: (root / "tables.db").unlink(),
    "data folder gone": lambda root: shutil.rmtree(root / "data"),
    "an array gone": _array_gone,
    "journal cut after cataloguing": _cut_after_cataloguing,
    "journal without beginning": _no_beginning,
    "a bit of the journal flipped": _bit_flipped,
}


IN_SHORT = ("an array gone",)
"""The others take the same way."""


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage, id=name, marks=() if name in IN_SHORT else pytest.mark.long)
        for name, damage in DAMAGES.items()
    ],
)
def test_every_damage_is_found_and_repaired(
    measured: Path, damage: Damage, make_event_data: Callable[..., Any]
) -> None:
    """Lost: exposures that one of journal and catalogue still has, or the knowledge that something is wrong."""
    damage(measured)
    with open_store(measured, recover_runs=False) as store:
        assert not check_store(store).is_sound
        after = repair_store(store)
        assert after.is_sound, after
        for sample in ("first", "second"):
            expected = [make_event_data(index, 4)["spc_counts"] for index in range(8)]
            np.testing.assert_array_equal(counts(store, sample), expected)


@pytest.mark.long
def test_an_interrupted_run_is_found_and_closed(measured: Path) -> None:
    """Lost: which run the power cut hit."""
    path = _newest(measured)
    documents = read_contents(path).documents
    path.unlink()
    journal = Journal(measured)
    for name, doc in documents[:-3]:
        journal(name, doc)
    with open_store(measured, recover_runs=False) as store:
        found = check_store(store)
        assert [run.ended for run in found.runs] == ["yes", "running"]
        assert found.is_sound, "a run of a living process is nobody's to repair"
        journal.close()
        found = check_store(store)
    assert [run.ended for run in found.runs] == ["yes", "no"]
    assert any("process died" in problem for problem in found.runs[1].problems)
    with open_store(measured, recover_runs=False) as store:
        assert repair_store(store).is_sound
        assert len(counts(store, "second")) == 6
        assert [run.status for run in list_runs(store)] == ["interrupted", "complete"]


@pytest.mark.parametrize(
    "name", ["catalog.db", *(pytest.param(name, marks=pytest.mark.long) for name in ("tables.db", "data"))]
)
def test_a_session_rebuilds_a_lost_catalogue(measured: Path, name: str) -> None:
    """Lost: all earlier runs from every search, though their journals are there."""
    path = measured / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with open_store(measured) as store:
        assert len(list(store.db())) == 2
        assert check_store(store).is_sound


def test_runs_measured_with_the_clock_set_back_are_all_there(
    store: Store, run_engine: RunEngine, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: exposures, or the order of the documents, because a time server corrected the clock during a run."""
    import time

    real, back = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() - back[0])

    def set_back(index: int) -> None:
        back[0] = 3600.0 * (index > 3)

    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(scan(before=set_back)))
    store.wait()
    (catalogued,) = store.db()
    assert list(catalogued.table()["exposure_id"]) == list(range(8))
    events = [doc for name, doc in load_run(store, uid) if name == "event"]
    assert [doc["data"]["exposure_id"] for doc in events] == list(range(8))
    assert events[3]["time"] - events[4]["time"] > 3000.0, "the clock was not set back"
