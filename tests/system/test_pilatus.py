"""If these fail, a diffraction image is lost, or a run points at one that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import event_model
import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.preprocessors import run_decorator, stage_decorator
from bluesky.utils import FailedStatus
from ophyd.utils import StatusTimeoutError

from devices.axes.energy import Energy
from devices.configuration import PilatusSettings
from devices.detectors.pilatus import DEFAULT_EXPOSURE_S, Pilatus
from devices.sample_stage import SampleStage
from errors import AcquisitionError, InputError, NotConnectedError, OutOfRangeError, StorageError
from sim.physics.diffraction import Diffraction, Geometry
from sim.physics.sample import Phases
from tests.support.full_disk import ROOM_FOR_TWO_IMAGES
from tests.support.waiting import WAIT_S, until
from trxas.configuration import load_configuration

MACRO = "pil:"


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "2000", "--seed", "3") as running:
        configuration = load_configuration(prefix=MACRO).beamline
        assert configuration.cell is not None
        stage = SampleStage(configuration.cell, prefix=MACRO, name="sample_stage")
        energy = Energy(configuration.energy, prefix=MACRO, name="energy")
        for device in (stage, energy):
            device.wait_for_connection(timeout=WAIT_S)
        stage.set("cell").wait(timeout=WAIT_S)
        energy.set(12_900.0).wait(timeout=WAIT_S)
        yield running


def make(prefix: str, folder: Path, **changes: Any) -> Pilatus:
    settings = replace(PilatusSettings(prefix="7idd:Pilatus:"), **changes)
    pilatus = Pilatus(settings, prefix=prefix, name="pilatus")
    pilatus.write_to(folder)
    return pilatus


@pytest.fixture
def pilatus(ioc: Any, tmp_path: Path) -> Pilatus:
    return make(MACRO, tmp_path)


def run(plan: Any) -> tuple[list[tuple[str, dict[str, Any]]], Exception | None]:
    """Documents of a plan, valid ones, and the error that ended it."""
    documents: list[tuple[str, dict[str, Any]]] = []
    engine = RunEngine({}, context_managers=[])
    engine.subscribe(lambda name, document: documents.append((name, document)))
    failure = None
    try:
        engine(plan)
    except Exception as error:  # noqa: BLE001  # whatever ended the run is what the test looks at
        failure = error
    for name, document in documents:
        event_model.schema_validators[event_model.DocumentNames[name]].validate(document)
    return documents, failure


def of_kind(documents: list[tuple[str, dict[str, Any]]], kind: str) -> list[dict[str, Any]]:
    return [document for name, document in documents if name == kind]


def images(documents: list[tuple[str, dict[str, Any]]]) -> list[np.ndarray]:
    """The image of every event, through its datum and resource as any reader of the run has to go."""
    resources = {document["uid"]: document for document in of_kind(documents, "resource")}
    datums = {document["datum_id"]: document for document in of_kind(documents, "datum")}
    found = []
    for event in of_kind(documents, "event"):
        datum = datums[event["data"]["pilatus_image"]]
        resource = resources[datum["resource"]]
        per_point = resource["resource_kwargs"]["frame_per_point"]
        first = datum["datum_kwargs"]["point_number"] * per_point
        with h5py.File(Path(resource["root"]) / resource["resource_path"]) as file:
            found.append(file["/entry/data/data"][first : first + per_point])
    return found


def test_images_come_back_from_the_file_as_they_were_counted(pilatus: Pilatus, get: Any, put: Any) -> None:
    totals = []

    def plan() -> Any:
        yield from bps.stage(pilatus)
        yield from bps.open_run()
        for _ in range(3):
            yield from bps.trigger_and_read([pilatus])
            totals.append(get(f"{MACRO}7idd:Pilatus:Stats1:Total_RBV"))
        yield from bps.close_run()
        yield from bps.unstage(pilatus)

    put(f"{MACRO}7idd:Pilatus:Stats1:EnableCallbacks", 1)
    pilatus.prepare(2.0)
    documents, failure = run(plan())
    assert failure is None
    found = images(documents)
    assert [image.shape for image in found] == [(1, 195, 487)] * 3
    assert [image[image >= 0].sum() for image in found] == totals
    assert len(set(totals)) == 3
    key = of_kind(documents, "descriptor")[0]["data_keys"]["pilatus_image"]
    assert (tuple(key["shape"]), key["dtype_numpy"], "external" in key) == ((1, 195, 487), "<i4", True)


def test_the_image_is_the_powders(pilatus: Pilatus) -> None:
    """Poisson around the expected rings at this energy; the graphite line where pyFAI looks for it."""
    pilatus.prepare(60.0)
    documents, failure = run(bp.count([pilatus]))
    assert failure is None
    image = images(documents)[0][0]
    two_theta, _ = Geometry().directions()
    q = 4 * np.pi / (12398.42 / 12_900.0) * np.sin(two_theta / 2)
    good = (image >= 0) & (image < 1e5)
    assert (image == -1).sum() == 7 * 195 + 487 - 7
    near = good & (np.abs(q - 1.83) < 0.1)
    profile = [np.median(image[near & (np.abs(q - center) < 0.004)]) for center in np.arange(1.77, 1.89, 0.004)]
    # The 111 line of the powder sits on the right flank.
    assert np.arange(1.77, 1.89, 0.004)[int(np.argmax(profile))] == pytest.approx(1.832, abs=0.006)


def test_a_stock_count_needs_no_preparation(pilatus: Pilatus, get: Any) -> None:
    """Lost: a first look with the plans that everybody knows."""
    documents, failure = run(bp.count([pilatus], num=2))
    assert failure is None
    assert len(images(documents)) == 2
    assert get(f"{MACRO}7idd:Pilatus:cam1:AcquireTime_RBV") == DEFAULT_EXPOSURE_S


def test_staging_sets_what_others_have_left_otherwise(pilatus: Pilatus, get: Any, put: Any) -> None:
    """Lost: a night of time-outs because somebody had tried an external trigger, which never comes."""
    camera, plugin = f"{MACRO}7idd:Pilatus:cam1:", f"{MACRO}7idd:Pilatus:HDF1:"
    left = {f"{camera}TriggerMode": 2, f"{camera}ImageMode": 0, f"{camera}NumImages": 5, f"{camera}NumExposures": 3,
            f"{camera}ArrayCallbacks": 0, f"{plugin}EnableCallbacks": 0, f"{plugin}BlockingCallbacks": 0}  # fmt: skip
    before = {name: get(name) for name in left}
    for name, value in left.items():
        put(name, value)
    pilatus.prepare(2.0)
    documents, failure = run(bp.count([pilatus]))
    assert failure is None
    assert len(images(documents)) == 1
    assert {name: int(get(name)) for name in left} == left, "restored afterwards"
    for name, value in before.items():
        put(name, value)


def test_the_simulated_camera_waits_for_an_external_trigger(ioc: Any, pilatus: Pilatus, get: Any, put: Any) -> None:
    """Lost: a setting that matters at the real detector and nowhere else."""
    camera = f"{MACRO}7idd:Pilatus:cam1:"
    pilatus.connect()
    put(f"{camera}TriggerMode", 2)
    pilatus.cam.acquire.put(1, wait=False)
    until(lambda: "Waiting for a trigger" in pilatus.cam.status_message.get(use_monitor=False, as_string=True), "waits")
    assert get(f"{camera}Acquire_RBV") == 1
    put(f"{camera}Acquire", 0)
    until(lambda: get(f"{camera}Acquire_RBV") == 0, "stopped")
    put(f"{camera}TriggerMode", 0)


def test_a_folder_that_the_ioc_sees_under_another_name_is_mapped(ioc: Any, tmp_path: Path, get: Any) -> None:
    """The detector's computer mounts the data elsewhere; runs refer to files as they are seen here."""
    shared, mounted = tmp_path / "shared", tmp_path / "mounted"
    (shared / "run 1%").mkdir(parents=True)
    mounted.symlink_to(shared)
    pilatus = make(MACRO, shared / "run 1%", local_root=str(shared), ioc_root=str(mounted))
    documents, failure = run(bp.count([pilatus]))
    assert failure is None
    assert len(images(documents)) == 1
    (resource,) = of_kind(documents, "resource")
    assert f"/{resource['resource_path']}".startswith(str(shared / "run 1%"))
    assert pilatus.hdf5.file_path.get(use_monitor=False).startswith(str(mounted / "run 1%"))


def test_two_runs_make_two_files(pilatus: Pilatus, tmp_path: Path) -> None:
    pilatus.prepare(1.0)
    for _ in range(2):
        documents, failure = run(bp.count([pilatus], 2))
        assert failure is None
        assert len(images(documents)) == 2
    assert len(list(tmp_path.glob("*.h5"))) == 2


def test_files_can_be_read_while_they_grow(pilatus: Pilatus, tmp_path: Path) -> None:
    """A live integration looks at the last image before the run is over."""
    pilatus.prepare(1.0)
    pilatus.stage()
    try:
        pilatus.trigger().wait(timeout=WAIT_S)
        (path,) = tmp_path.glob("*.h5")
        with h5py.File(path, locking=False) as file:
            assert file["/entry/data/data"].shape == (1, 195, 487)
    finally:
        pilatus.unstage()


@pytest.mark.parametrize("version", ["HDF5Plugin", "HDF5Plugin_V34"])
def test_stock_ophyd_classes_work_unchanged(ioc: Any, tmp_path: Path, version: str) -> None:
    """A user's own detector class finds an areaDetector.

    The exposure lasts 0.3 s at this speed: ophyd's `SingleTrigger` has no status to return if it ends before `trigger`.
    """
    from ophyd.areadetector import DetectorBase, plugins
    from ophyd.areadetector.base import ADComponent
    from ophyd.areadetector.cam import PilatusDetectorCam
    from ophyd.areadetector.filestore_mixins import FileStoreHDF5IterativeWrite
    from ophyd.areadetector.trigger_mixins import SingleTrigger

    class Files(getattr(plugins, version), FileStoreHDF5IterativeWrite):  # type: ignore[misc]  # chosen at run time
        pass

    class Stock(SingleTrigger, DetectorBase):
        cam = ADComponent(PilatusDetectorCam, "cam1:")
        hdf5 = ADComponent(Files, "HDF1:", write_path_template=str(tmp_path))
        statistics = ADComponent(plugins.StatsPlugin, "Stats1:", read_attrs=["total"])
        _default_read_attrs = ("hdf5", "statistics")

    stock = Stock(f"{MACRO}7idd:Pilatus:", name="pilatus")
    stock.wait_for_connection(timeout=WAIT_S)
    stock.hdf5.read_attrs = []
    stock.cam.acquire_time.set(600.0).wait(timeout=WAIT_S)
    documents, failure = run(bp.count([stock], 3))
    assert failure is None
    totals = [event["data"]["pilatus_statistics_total"] for event in of_kind(documents, "event")]
    assert [image[image >= 0].sum() for image in images(documents)] == totals


def test_a_folder_that_does_not_exist_is_refused_by_name(ioc: Any, tmp_path: Path) -> None:
    pilatus = make(MACRO, tmp_path / "nowhere")
    pilatus.prepare(1.0)
    documents, failure = run(bp.count([pilatus]))
    assert isinstance(failure, StorageError)
    assert "FilePath" in str(failure)
    assert str(tmp_path / "nowhere") in str(failure)
    assert of_kind(documents, "start") == []
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_nobody_can_write_to_is_an_error_before_the_exposure(ioc: Any) -> None:
    """/proc exists and takes no files, not even from root."""
    pilatus = make(MACRO, Path("/proc/self"))
    pilatus.prepare(1.0)
    with pytest.raises(StorageError, match=r"HDF1:WriteMessage reports: Cannot write /proc/self/"):
        pilatus.stage()


def test_a_full_disk_fails_the_point_and_keeps_the_images_before(start_ioc: Any, tmp_path: Path, get: Any) -> None:
    with start_ioc("-c", ROOM_FOR_TWO_IMAGES, "--macro", "full:", "--speed", "2000"):
        pilatus = make("full:", tmp_path)
        pilatus.connect(60)
        pilatus.prepare(1.0)
        documents, failure = run(bp.count([pilatus], 5))
        assert isinstance(failure, FailedStatus | StorageError)
        assert "Cannot write image 3" in f"{failure} {failure.__cause__}"
        assert "File too large" in f"{failure} {failure.__cause__}"
        kept = images(documents)
        assert [image.shape for image in kept] == [(1, 195, 487)] * 2
        assert of_kind(documents, "stop")[0]["exit_status"] == "fail"
        # The next run gets a file of its own.
        documents, failure = run(bp.count([pilatus], 2))
        assert failure is None
        assert len(images(documents)) == 2
        assert get("full:7idd:Pilatus:HDF1:WriteStatus") == 0


def test_a_pilatus_that_is_not_there_is_named(ioc: Any, tmp_path: Path) -> None:
    pilatus = make("nowhere:", tmp_path, connection_timeout_s=0.3)
    with pytest.raises(NotConnectedError) as caught:
        pilatus.prepare(1.0)
    assert "nowhere:7idd:Pilatus:cam1:Acquire" in caught.value.pv_names
    assert "nowhere:7idd:Pilatus:HDF1:Capture" in caught.value.pv_names


def test_an_ioc_that_dies_fails_the_run_which_is_closed(start_ioc: Any, tmp_path: Path) -> None:
    with start_ioc("-m", "sim", "--macro", "dies:", "--speed", "2000") as ioc:
        pilatus = make("dies:", tmp_path)
        pilatus.connect(60)
        pilatus.prepare(1.0)

        @stage_decorator([pilatus])
        @run_decorator()
        def plan() -> Any:
            yield from bps.trigger_and_read([pilatus])
            ioc.process.kill()
            ioc.process.wait(WAIT_S)
            yield from bps.trigger_and_read([pilatus])

        documents, failure = run(plan())
        assert failure is not None
        assert "7idd:Pilatus" in f"{failure} {failure.__cause__}"
        assert of_kind(documents, "stop")[0]["exit_status"] == "fail"
        assert len(images(documents)) == 1


def test_a_detector_that_hangs_times_out_by_name(start_ioc: Any, tmp_path: Path) -> None:
    with start_ioc("-m", "sim", "--macro", "slow:", "--speed", "0.01"):
        pilatus = make("slow:", tmp_path, margin_s=0.3)
        pilatus.connect(60)
        pilatus.prepare(0.5)
        pilatus.stage()
        with pytest.raises(
            StatusTimeoutError, match=r"pilatus: an image of 0\.5 s \(waiting for slow:7idd:Pilatus:cam1:"
        ):
            pilatus.trigger().wait(timeout=WAIT_S)
        pilatus.stop()
        pilatus.unstage()


def test_a_stopped_exposure_leaves_no_datum(start_ioc: Any, tmp_path: Path, put: Any, recorder: Any) -> None:
    with start_ioc("-m", "sim", "--macro", "stop:", "--speed", "1"):
        pilatus = make("stop:", tmp_path)
        pilatus.connect(60)
        pilatus.prepare(60.0)
        pilatus.stage()
        list(pilatus.collect_asset_docs())
        acquiring = recorder("stop:7idd:Pilatus:cam1:Acquire_RBV")
        status = pilatus.trigger()
        acquiring.wait(lambda values: 1 in values)
        put("stop:7idd:Pilatus:cam1:Acquire", 0, wait=False)
        with pytest.raises(AcquisitionError, match=r"NumCaptured_RBV stays at 0: the image was not taken \(Aborted\)"):
            status.wait(timeout=WAIT_S)
        assert list(pilatus.collect_asset_docs()) == []
        pilatus.unstage()


@pytest.mark.parametrize("exposure_s", [0.0, -1.0, 1e5])
def test_an_exposure_outside_the_range_names_it(tmp_path: Path, exposure_s: float) -> None:
    with pytest.raises(OutOfRangeError, match=r"0\.001 to 3600 s"):
        make("nowhere:", tmp_path).check_exposure(exposure_s)


def test_an_exposure_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a finite number"):
        make("nowhere:", tmp_path).check_exposure(float("nan"))


def test_use_in_the_wrong_order_reports_what_to_do(pilatus: Pilatus) -> None:
    with pytest.raises(AcquisitionError, match="not staged"):
        pilatus.trigger()
    with pytest.raises(InputError, match="absolute"):
        pilatus.write_to(Path("images"))


def test_what_the_camera_cannot_do_is_refused(ioc: Any, caproto_put: Any) -> None:
    prefix = f"{MACRO}7idd:Pilatus:"
    assert "outside" in caproto_put(f"{prefix}cam1:AcquireTime", -1)
    assert "at least 1" in caproto_put(f"{prefix}cam1:NumImages", 0)


def test_faulty_pixels_stay_where_they_are() -> None:
    """A mask made once serves all images of a beamline."""
    dead, hot = Diffraction(phases=Phases(), seed=3).faulty
    again = Diffraction(phases=Phases(), seed=3).faulty
    assert np.array_equal(dead, again[0])
    assert np.array_equal(hot, again[1])
    assert 0 < hot.sum() < 30
