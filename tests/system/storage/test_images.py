"""If these fail, the images of a run are lost or belong to another event."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest

from devices.configuration import PilatusSettings
from errors import StorageError
from reduction.image_references import resource_path
from storage import load_images, load_run, open_store
from storage.catalogue import server_configuration
from storage.journal import journal_paths
from tests.support.fake_pilatus import SHAPE, FakePilatus
from tests.support.recorded_runs import uids_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluesky import RunEngine

    from storage import Store


@pytest.fixture
def pilatus(root: Path) -> FakePilatus:
    (root / "images").mkdir()
    return FakePilatus(root / "images", PilatusSettings(prefix="fake:"))


def exposures(pilatus: FakePilatus, count: int, *, lost: tuple[int, ...] = (), before: Any = None) -> Any:
    """A run of `count` images; those numbered in `lost` are in the file, and their events are dropped."""

    @bpp.run_decorator(md={"plan_name": "diffraction", "num_points": count})
    def run() -> Any:
        for index in range(count):
            if before is not None:
                before(index)
            yield from bps.trigger(pilatus, wait=True)
            yield from bps.create("primary")
            if index in lost:
                # As in our plans, before the image is read: bluesky forgets the file of a dropped one.
                yield from bps.drop()
                continue
            yield from bps.read(pilatus)
            yield from bps.save()

    return bpp.stage_wrapper(run(), [pilatus])


def numbers(images: Any) -> list[int]:
    """Which of the detector's images these are: each is filled with its number."""
    assert images.shape[1:] == SHAPE
    assert images.dtype == np.dtype("<i4")
    return [int(number) for number in images[:, 0, 0]]


def test_databroker_tiled_and_load_images_give_what_the_file_holds(
    store: Store, run_engine: RunEngine, pilatus: FakePilatus
) -> None:
    """Lost: diffraction images, for a user who searches where all other data are."""
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(exposures(pilatus, 3)))
    store.wait()
    (path,) = (store.root / "images").iterdir()
    with h5py.File(path) as file:
        truth = file["/entry/data/data"][()]
    for found in (
        load_images(store, uid),
        store.catalogue.client[uid]["primary"]["pilatus_image"].read(),
        np.stack(list(store.db[uid].data("pilatus_image"))),
        np.stack(list(store.db[uid].table(fill=True)["pilatus_image"])),
        store.db.v2[uid]["primary"].read()["pilatus_image"].to_numpy(),
    ):
        np.testing.assert_array_equal(np.reshape(found, truth.shape), truth)
    np.testing.assert_array_equal(load_images(store, uid, select=-1), truth[-1])
    np.testing.assert_array_equal(load_images(store, uid, select=slice(1, 3)), truth[1:])


def test_the_journal_states_where_each_image_is(store: Store, run_engine: RunEngine, pilatus: FakePilatus) -> None:
    """Lost: the images, with a catalogue that was lost."""
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(exposures(pilatus, 2)))
    store.wait()
    documents = load_run(store, uid)
    (resource,) = (doc for name, doc in documents if name == "resource")
    datums = {doc["datum_id"]: doc for name, doc in documents if name == "datum"}
    events = [doc for name, doc in documents if name == "event"]
    assert [datums[event["data"]["pilatus_image"]]["datum_kwargs"]["point_number"] for event in events] == [0, 1]
    assert resource_path(resource).is_file()


@pytest.mark.parametrize("lost", [(0, 2), *(pytest.param((place,), marks=pytest.mark.long) for place in (0, 1, 3))])
def test_an_image_without_an_event_shifts_no_other(
    store: Store, run_engine: RunEngine, pilatus: FakePilatus, lost: tuple[int, ...]
) -> None:
    """Lost: which image belongs to which temperature, from a repeated exposure on."""
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(exposures(pilatus, 4, lost=lost)))
    store.wait()
    assert store.errors == {}
    wanted = [number for number in range(4) if number not in lost]
    assert numbers(load_images(store, uid)) == wanted
    assert [int(np.ravel(image)[0]) for image in store.db[uid].data("pilatus_image")] == wanted


def test_images_in_several_files_are_one_row(store: Store, run_engine: RunEngine, pilatus: FakePilatus) -> None:
    """Lost: images after an IOC that came back, which begin a new file; its first image is lost with its event."""

    def restage(index: int) -> None:
        if index == 2:
            pilatus.unstage()
            pilatus.stage()

    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(exposures(pilatus, 5, lost=(2,), before=restage)))
    store.wait()
    assert numbers(load_images(store, uid)) == [0, 1, 3, 4]
    (straight,) = uids_of(run_engine(exposures(pilatus, 5, before=restage)))
    store.wait()
    assert numbers(load_images(store, straight)) == [5, 6, 7, 8, 9]


def test_an_open_run_shows_its_images(store: Store, run_engine: RunEngine, pilatus: FakePilatus) -> None:
    seen = []

    def look(index: int) -> None:
        if index == 2:
            store.wait()
            seen.append(numbers(load_images(store, -1)))

    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(exposures(pilatus, 4, before=look)))
    store.wait()
    assert seen == [[0, 1]]
    assert numbers(load_images(store, uid)) == [0, 1, 2, 3]


@pytest.mark.parametrize("lost", [pytest.param((), marks=pytest.mark.long), (1,)])
def test_a_lost_catalogue_gets_the_images_back_from_the_journal(
    root: Path, run_engine: RunEngine, pilatus: FakePilatus, empty_catalogue: Path, lost: tuple[int, ...]
) -> None:
    with open_store(root) as store:
        store.subscribe(run_engine)
        (uid,) = uids_of(run_engine(exposures(pilatus, 3, lost=lost)))
        store.wait()
        before = numbers(load_images(store, uid))
    shutil.copy(empty_catalogue / "catalog.db", root / "catalog.db")
    (root / "tables.db").unlink()
    with open_store(root, rebuild=True) as store:
        assert store.recovery.catalogued == [uid]
        assert store.recovery.failed == {}
        assert numbers(load_images(store, uid)) == before
        assert len(store.db[uid].table(fill=True)) == len(before)


def test_a_run_whose_process_died_keeps_its_images(root: Path, run_engine: RunEngine, pilatus: FakePilatus) -> None:
    """The last image is in the file, its event is not in the journal."""
    with open_store(root) as store:
        store.subscribe(run_engine)
        (uid,) = uids_of(run_engine(exposures(pilatus, 3)))
    with open_store(root) as store:
        (path,) = journal_paths(root)
        _forget_last_event(path)
    shutil.move(path, root / "journal" / path.name)
    with open_store(root) as store:
        assert store.recovery.closed == store.recovery.catalogued == [uid]
        assert numbers(load_images(store, uid)) == [0, 1]


def _forget_last_event(path: Path) -> None:
    from storage.records import MAGIC, pack_record, read_contents

    kept = read_contents(path).documents[:-2]
    path.write_bytes(MAGIC + b"".join(pack_record(name, doc) for name, doc in kept))


def test_without_the_journal_the_catalogue_alone_gives_images_and_documents(
    store: Store, run_engine: RunEngine, pilatus: FakePilatus, tmp_path: Path
) -> None:
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(exposures(pilatus, 2)))
    store.wait()
    (path,) = journal_paths(store.root)
    path.rename(tmp_path / path.name)
    assert numbers(load_images(store, uid)) == [0, 1]
    (resource,) = (doc for name, doc in load_run(store, uid) if name == "stream_resource")
    assert resource["uri"].endswith(".h5")


def test_files_that_are_gone_are_named(store: Store, run_engine: RunEngine, pilatus: FakePilatus) -> None:
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(exposures(pilatus, 2)))
    store.wait()
    for path in (store.root / "images").iterdir():
        path.unlink()
    with pytest.raises(StorageError, match=f"images of run {uid} cannot be read.*{store.root / 'images'}"):
        load_images(store, uid)


def test_a_run_without_images_reports_it(store: Store, run_engine: RunEngine, scan: Callable[..., Any]) -> None:
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(scan(1, 1)))
    store.wait()
    with pytest.raises(StorageError, match=f"Run {uid} has no images 'pilatus_image'"):
        load_images(store, uid)
    with pytest.raises(StorageError, match="No run has the uid 'zzz'"):
        load_images(store, "zzz")


def test_images_may_lie_in_a_folder_of_the_detectors_own(root: Path, run_engine: RunEngine, tmp_path: Path) -> None:
    """An IOC on another computer writes where it can, not where the session likes."""
    elsewhere = tmp_path / "detector"
    elsewhere.mkdir()
    pilatus = FakePilatus(elsewhere, PilatusSettings(prefix="fake:"))
    with open_store(root, images=elsewhere) as store:
        store.subscribe(run_engine)
        (uid,) = uids_of(run_engine(exposures(pilatus, 2)))
        store.wait()
        assert numbers(load_images(store, uid)) == [0, 1]
    assert server_configuration(root, images=elsewhere)["trees"][0]["args"]["readable_storage"] == [
        f"file://localhost{elsewhere}"
    ]
    with open_store(root) as store, pytest.raises(StorageError, match="cannot be read"):
        load_images(store, uid)
