"""If these fail, a night of powders ends with spectra of another temperature, or with images that nobody can find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest

from reduction.image_references import resource_path
from reduction.xas.static_xas import accumulate_static, static_spectrum
from storage import list_runs, load_images, load_run
from tests.support.patient import patient
from tests.support.waiting import WAIT_S
from trxas.configuration import Configuration, load_configuration
from trxas.results.run_report import run_report
from trxas.session.session import Session, open_session

MACRO = "tempr:"


def quick(configuration: Configuration) -> Configuration:
    """The configuration with a short settling time, which is wall-clock time and does not follow `--speed`."""
    line = configuration.beamline
    assert line.cell is not None
    cell = replace(line.cell, settle_s=0.2, poll_s=0.02, timeout_s=WAIT_S)
    return patient(replace(configuration, beamline=replace(line, cell=cell)))


@pytest.fixture(scope="module")
def session(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    data = tmp_path_factory.mktemp("powder")
    with (
        start_ioc("-m", "sim", "--macro", MACRO, "--speed", "5000", "--seed", "3"),
        open_session(quick(load_configuration(prefix=MACRO, data=data))) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def uids(session: Session) -> list[str]:
    """A series over two temperatures, hot first."""
    series = session.plans()["temperature_series"]
    plan = series([60.0, 25.0], dwell_s=10.0, images=2, image_dwell_s=30.0, sample="CsPbBr3")
    return list(session.run_engine(plan))


def events(session: Session, uid: str) -> list[dict[str, Any]]:
    return [doc["data"] for name, doc in load_run(session.store, uid) if name == "event"]


def test_a_series_measures_all_its_parts_in_order(session: Session, uids: list[str]) -> None:
    starts = [load_run(session.store, uid)[0][1] for uid in uids]
    found = [(start["temperature_c"], start["plan_name"], start.get("edge")) for start in starts]
    runs = [("static_energy_scan", "Br K"), ("static_energy_scan", "Pb L3"), ("diffraction", None)]
    assert found == [(temperature_c, *run) for temperature_c in (60.0, 25.0) for run in runs]
    assert len({start["series"] for start in starts}) == 1
    for start, uid in zip(starts, uids, strict=True):
        found_events = events(session, uid)
        assert {event["quality"] for event in found_events} == {""}
        assert {event["laser_shutter"] for event in found_events} == {0}
        assert [event["temperature_c"] for event in found_events] == pytest.approx(
            [start["temperature_c"]] * start["num_points"], abs=0.5
        )
    assert {summary.status for summary in list_runs(session.store)} == {"complete"}


def test_its_spectra_are_reduced_from_the_store(session: Session, uids: list[str]) -> None:
    """Both edges step where they are: the level above is well above that below, which is zero."""
    for uid, edge_ev in ((uids[0], 13_472.0), (uids[1], 13_043.0)):
        spectrum = static_spectrum(accumulate_static(load_run(session.store, uid)))
        energy, value = spectrum.normalised.energy_ev, spectrum.normalised.intensity
        assert abs(value[energy < edge_ev - 15].mean()) < 0.02 * value[energy > edge_ev + 20].mean()
        assert spectrum.temperature_c == pytest.approx(60.0, abs=0.5)
        assert f"{energy.size} points at 60" in run_report(load_run(session.store, uid))


def test_images_come_back_through_databroker_as_in_the_files(session: Session, uids: list[str]) -> None:
    session.store.wait()
    means = []
    for uid in (uids[2], uids[5]):
        documents = load_run(session.store, uid)
        (resource,) = (doc for name, doc in documents if name == "resource")
        with h5py.File(resource_path(resource), locking=False) as file:
            truth = file["/entry/data/data"][()]
        images = load_images(session.store, uid)
        assert images.shape == (2, 195, 487)
        np.testing.assert_array_equal(images, truth)
        stored = np.stack(list(session.store.db[uid].data("pilatus_image")))
        np.testing.assert_array_equal(stored.reshape(truth.shape), truth)
        means.append(truth[truth >= 0].mean())
        assert documents[0][1]["geometry"]["distance_m"] == 0.241
    assert min(means) > 1


def test_each_runs_alone_at_the_temperature_of_now(session: Session, uids: list[str]) -> None:
    plans = session.plans()
    static = session.measure(
        plans["static_energy_scan"]("Pb L3", regions_ev=[(13_000, 13_010, 5)], dwell_s=1.0, allow_unreducible=True)
    )
    image = session.measure(plans["diffraction"](dwell_s=1.0))
    for uid in (static, image):
        start = load_run(session.store, uid)[0][1]
        assert start["temperature_c"] == pytest.approx(25.0, abs=0.5)
    # The monochromator came down to 12.9 keV from below it: no backlash.
    assert events(session, image)[0]["energy_ev"] == pytest.approx(12_900.0, abs=0.05)


def test_pump_and_probe_after_it_get_the_jet_back(session: Session, uids: list[str]) -> None:
    plan = session.plans()["delay_scan"]("Br K", delays_ps=[0.0, 100.0], dwell_s=1.0)
    found = events(session, session.measure(plan))
    assert all(np.all(event["spc_counts"] > 0) for event in found)
    assert {event["quality"] for event in found} == {""}


def test_neither_laser_nor_jet_is_needed(session: Session, put: Any, recorder: Any) -> None:
    flow = recorder(f"{MACRO}7idd:jet:FlowAI")
    # With the jet in the beam an interlock would close the X-ray shutter when it stops.
    put(f"{MACRO}7idd:sample:Select", 1)
    put(f"{MACRO}7idd:jet:FlowSet", 0.0)
    put(f"{MACRO}7idd:laser:RateDivider", 4)
    try:
        flow.wait(lambda values: values[-1] < 1.0)
        plans = session.plans()
        for plan in (
            plans["static_energy_scan"]("Br K", regions_ev=[(13_450, 13_460, 5)], dwell_s=1.0, allow_unreducible=True),
            plans["foil_scan"](regions_ev=[(13_030, 13_040, 5)]),
        ):
            assert {event["quality"] for event in events(session, session.measure(plan))} == {""}
    finally:
        put(f"{MACRO}7idd:jet:FlowSet", 240.0)
        put(f"{MACRO}7idd:laser:RateDivider", 5)
        flow.wait(lambda values: values[-1] > 200.0)


def test_the_image_folder_may_be_configured(session: Session, tmp_path: Path) -> None:
    """A detector's computer may have its own disk; the catalogue must read that one too."""
    configuration = session.configuration
    line = configuration.beamline
    assert line.pilatus is not None
    folder = tmp_path / "detector"
    folder.mkdir()
    elsewhere = replace(
        configuration,
        beamline=replace(line, pilatus=replace(line.pilatus, folder=str(folder))),
        storage=replace(configuration.storage, directory=str(tmp_path / "data")),
    )
    with open_session(elsewhere) as other:
        uid = other.measure(other.plans()["diffraction"](dwell_s=1.0, images=2))
        other.store.wait()
        assert load_images(other.store, uid).shape == (2, 195, 487)
        assert len(list(folder.glob("*.h5"))) == 1
