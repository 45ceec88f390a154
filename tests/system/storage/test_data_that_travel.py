"""If these fail, a copied, moved or archived data folder loses its runs or images, or numbers change on their way."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine

from devices.configuration import PilatusSettings
from errors import StorageError
from reduction.image_references import AssetIndex
from storage import list_runs, load_images, load_run, open_store
from storage.check import check_store, repair_store
from storage.image_reading import read_image
from storage.run_writer import write_run
from tests.support.fake_pilatus import FakePilatus
from tests.support.fixtures.storage import delay_scan, stop_engine
from tests.system.storage.test_images import exposures, numbers

Scan = Callable[..., Any]


def measure(root: Path, run_engine: RunEngine, scan: Scan) -> None:
    """Take a delay scan and two images into `root`."""
    (root / "images").mkdir(parents=True)
    with open_store(root, flush_period_s=3600.0) as store:
        store.subscribe(run_engine)
        run_engine(scan(sample="travels"))
        run_engine(exposures(FakePilatus(root / "images", PilatusSettings(prefix="fake:")), 2))


def assert_readable(root: Path, *, recover_runs: bool = True) -> None:
    """Both runs come back by every way of reading, from `root` alone, and are called sound."""
    with open_store(root, recover_runs=recover_runs) as store:
        (run,) = store.db(sample="travels")
        assert np.shape(list(run.table()["spc_counts"])) == (8, 2, 5)
        images = store.db[-1].start["uid"]
        assert numbers(load_images(store, images)) == [0, 1]
        index, pictures = AssetIndex(), []
        for name, doc in load_run(store, images):
            index(name, doc)
            if name == "event":
                reference = index.find(doc["data"], 0)
                assert reference is not None
                assert reference.path.is_relative_to(root)
                pictures.append(read_image(reference))
        assert len(pictures) == 2
        check = check_store(store)
        assert check.is_sound, check
        assert len(list_runs(store)) == 2


@pytest.mark.parametrize(
    "name",
    ["50%20 it's a#b?c", *(pytest.param(name, marks=pytest.mark.long) for name in ("a blank", "50%", "#", "?"))],
)
def test_a_folder_may_have_any_name(root: Path, run_engine: RunEngine, scan: Scan, name: str) -> None:
    """Lost: images that were taken but cannot be read, or a catalogue beside its folder."""
    folder = root.parent / name
    measure(folder, run_engine, scan)
    assert_readable(folder)
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [
        *("catalog.db", "data", "images", "journal", "scan_id", "tables.db")
    ]
    assert sorted(path.name for path in root.parent.iterdir()) == sorted(["data", name])


@pytest.fixture(scope="module")
def departed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with both runs that has left the place where they were measured."""
    place = tmp_path_factory.mktemp("beamline")
    engine = RunEngine(context_managers=[])
    measure(place / "data", engine, delay_scan)
    stop_engine(engine)
    return (place / "data").rename(place / "away")


@pytest.fixture
def travelled(departed: Path, tmp_path: Path) -> Path:
    """A data folder with both runs, moved after they were measured; there is nothing where it was."""
    moved = tmp_path / "archive" / "2026 11"
    moved.parent.mkdir()
    shutil.copytree(departed, moved)
    return moved


def test_a_moved_folder_is_read_where_it_is(travelled: Path) -> None:
    assert_readable(travelled)


def test_a_copy_is_read_from_the_copy_while_the_original_lives_on(travelled: Path) -> None:
    """Lost: the copy, when the original is deleted."""
    copy = travelled.parent / "copy"
    shutil.copytree(travelled, copy)
    assert_readable(copy)
    shutil.rmtree(travelled)
    assert_readable(copy)


def test_a_reader_of_a_moved_folder_changes_nothing_in_it(travelled: Path) -> None:
    """Lost: the addresses of a folder that another machine reads under another path while it measures."""
    before = _content(travelled)
    assert_readable(travelled, recover_runs=False)
    assert _content(travelled) == before


def test_more_is_measured_into_a_moved_folder(travelled: Path, run_engine: RunEngine, scan: Scan) -> None:
    fresh = RunEngine(context_managers=[])
    with open_store(travelled) as store:
        store.subscribe(fresh)
        fresh(scan(sample="later"))
        store.wait()
        assert [len(run.table()) for sample in ("travels", "later") for run in store.db(sample=sample)] == [8, 8]
        assert check_store(store).is_sound


def test_repair_of_a_moved_folder_loses_no_run(travelled: Path) -> None:
    with open_store(travelled, recover_runs=False) as store:
        assert repair_store(store).is_sound
    assert_readable(travelled)


def test_repair_keeps_the_copy_of_a_run_that_cannot_be_written(
    root: Path, run_engine: RunEngine, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: a run that could still be read from the catalogue, deleted before its replacement failed."""
    with open_store(root, flush_period_s=3600.0) as store:
        store.subscribe(run_engine)
        run_engine(scan(sample="kept"))
        store.wait()
        documents = load_run(store, -1)
        broken = [(name, {**doc, "descriptor": "unknown"} if name == "event" else doc) for name, doc in documents]
        with tempfile.TemporaryDirectory() as folder, open_store(Path(folder)) as aside, pytest.raises(KeyError):
            write_run(store.catalogue, broken, rehearsal=aside.catalogue)
        (run,) = store.db(sample="kept")
        assert len(run.table()) == 8


def test_whole_numbers_of_64_bits_come_back_equal(root: Path, run_engine: RunEngine, scan: Scan) -> None:
    """Lost: a pulse id or a time in ns, which came back as 2^53 - 1 and was called wrong forever."""
    given = {"time_ns": 1764338400123456789, "lowest": -(2**63), "density_per_cm3": 1e19, "deep": {"a": [2**60]}}
    with open_store(root) as store:
        store.subscribe(run_engine)
        run_engine(scan(sample="exact", **given))
        store.wait()
        (run,) = store.db(time_ns=given["time_ns"])
        assert {key: run.start[key] for key in given} == given
        assert list(store.db(time_ns=2**53 - 1)) == []
        assert check_store(store).is_sound


def test_what_the_catalogue_cannot_hold_is_not_called_wrong_for_ever(
    root: Path, run_engine: RunEngine, scan: Scan
) -> None:
    with open_store(root) as store:
        store.subscribe(run_engine)
        run_engine(scan(sample="odd", offset_ev=float("nan"), limit_ev=float("inf"), pair=(1, 2)))
        store.wait()
        assert check_store(store).is_sound


def _content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def archive(travelled: Path) -> Iterator[Path]:
    """A data folder that the user `nobody` may read and not write."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(travelled, folder / "archive")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        if os.getuid() != 0:
            path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder / "archive"
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


_READ = """
import os, sys
from storage import list_runs, load_dataset, load_images, open_store
from storage.check import check_store

def read(root):
    with open_store(root) as store:
        (run,) = store.db(sample="travels")
        assert len(run.table()) == 8
        assert len(load_images(store, store.db[-1].start["uid"])) == 2
        assert len(list_runs(store)) == 2 and len(load_dataset(store, -1)) > 3
        assert check_store(store).is_sound, check_store(store)

if os.getuid() == 0:
    # Everything is imported before the rights are given up: the interpreter may lie where nobody else may read.
    read(sys.argv[2])
    os.setgid(65534)
    os.setuid(65534)
read(sys.argv[1])
print("read")
"""


def test_an_archive_that_cannot_be_written_is_read(archive: Path, travelled: Path) -> None:
    """Lost: colleagues' data and read-only archives, which no command could list."""
    before = _content(archive)
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(archive), str(travelled)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "read\n", done.stderr
    assert _content(archive) == before


def test_nothing_is_measured_into_a_folder_that_cannot_be_written(
    root: Path, run_engine: RunEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK)
    with open_store(root) as store, pytest.raises(StorageError, match="cannot be written"):
        store.subscribe(run_engine)
