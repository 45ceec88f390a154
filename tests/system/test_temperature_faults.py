"""If these fail, a cell, a Pilatus or a disk that gives up takes the data of the run with it, or hangs the night."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from bluesky.utils import RunEngineInterrupted

import plans
from devices.detectors.area_detector_signals import fresh_value
from errors import AcquisitionError, NotConnectedError, NotSettledError, StorageError
from storage import list_runs, load_images, load_run
from tests.support.full_disk import ROOM_FOR_TWO_IMAGES
from tests.support.patient import patient
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration
from trxas.session.session import Session, open_session

OpenSession = Callable[..., AbstractContextManager[Session]]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenSession:
    """`with opened(macro, cell={...}, pilatus={...}) as session:` with these settings changed, in one data folder."""
    data = tmp_path_factory.mktemp("faults")

    @contextlib.contextmanager
    def open_(
        macro: str,
        *,
        cell: dict[str, Any] | None = None,
        pilatus: dict[str, Any] | None = None,
        quality: dict[str, Any] | None = None,
    ) -> Iterator[Session]:
        configuration = patient(load_configuration(prefix=macro, data=data))
        line = configuration.beamline
        assert line.cell is not None
        assert line.pilatus is not None
        settings = {"settle_s": 0.1, "poll_s": 0.02, "timeout_s": WAIT_S} | (cell or {})
        line = replace(
            line,
            cell=replace(line.cell, **settings),
            pilatus=replace(line.pilatus, **(pilatus or {})),
            quality=replace(line.quality, **(quality or {})),
        )
        with open_session(replace(configuration, beamline=line)) as session:
            yield session

    return open_


def last_run(session: Session) -> tuple[Any, list[dict[str, Any]]]:
    """Summary and events of the latest run; it must be closed, in journal and catalogue."""
    session.store.wait()
    summary = list_runs(session.store, limit=1)[0]
    documents = load_run(session.store, summary.uid)
    assert documents[-1][0] == "stop"
    assert session.store.db[summary.uid].stop["exit_status"] == documents[-1][1]["exit_status"]
    return summary, [doc["data"] for name, doc in documents if name == "event"]


def test_a_temperature_that_never_settles_ends_the_run_with_the_pv(start_ioc: Any, opened: OpenSession) -> None:
    with (
        start_ioc("-m", "sim", "--macro", "cold:", "--speed", "20"),
        opened("cold:", cell={"timeout_s": 0.5}) as session,
    ):
        with pytest.raises(
            NotSettledError, match=r"within 0\.5 s: cold:7idd:cell:TemperatureAI must stay within 139\.5"
        ):
            session.run_engine(session.plans()["static_energy_scan"]("Br K", temperature_c=140.0, dwell_s=1.0))
        summary, events = last_run(session)
        assert (summary.status, events) == ("fail", [])
        assert "cold:7idd:cell:TemperatureAI" in summary.reason


@pytest.mark.long
def test_a_pause_on_the_way_to_a_temperature_continues_from_there(
    start_ioc: Any, opened: OpenSession, recorder: Any
) -> None:
    with start_ioc("-m", "sim", "--macro", "pause:", "--speed", "60"), opened("pause:") as session:
        engine = session.run_engine
        readings = recorder("pause:7idd:cell:TemperatureAI")

        def pause() -> None:
            readings.wait(lambda values: values[-1] > 30.0)
            engine.request_pause(defer=False)  # type: ignore[no-untyped-call]  # bluesky's

        pausing = threading.Thread(target=pause)
        pausing.start()
        plan = session.plans()["static_energy_scan"](
            "Br K", temperature_c=60.0, regions_ev=[(13_450, 13_460, 5)], dwell_s=1.0, allow_unreducible=True
        )
        with pytest.raises(RunEngineInterrupted):
            engine(plan)
        pausing.join(WAIT_S)
        engine.resume()
        summary, events = last_run(session)
        assert summary.status == "complete"
        assert [event["point_index"] for event in events] == [0, 1, 2]
        assert all(abs(event["temperature_c"] - 60.0) < 0.5 for event in events)


def test_a_pilatus_that_is_not_there_stops_nothing_else_and_moves_nothing(
    start_ioc: Any, opened: OpenSession, get: Any
) -> None:
    away = {"prefix": "away:", "connection_timeout_s": 0.5}
    with start_ioc("-m", "sim", "--macro", "nopil:", "--speed", "5000"), opened("nopil:", pilatus=away) as session:
        line, offered = session.beamline, session.plans()
        before, stored = line.energy.position, list_runs(session.store)
        for plan in (offered["diffraction"](temperature_c=60.0), offered["temperature_series"]([60.0])):
            with pytest.raises(NotConnectedError, match="nopil:away:"):
                session.run_engine(plan)
        assert list_runs(session.store) == stored
        assert line.energy.position == before
        assert get("nopil:7idd:sample:Status") == get("nopil:7idd:cell:Heater") == 0
        session.measure(
            offered["static_energy_scan"]("Br K", regions_ev=[(13_450, 13_460, 5)], dwell_s=1.0, allow_unreducible=True)
        )
        session.measure(offered["delay_scan"]("Br K", delays_ps=[100.0], dwell_s=1.0))


def test_a_pilatus_that_dies_in_the_middle_ends_the_run_and_keeps_the_images(
    start_ioc: Any, opened: OpenSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Its IOC is a separate process from that of the beamline, which continues."""
    own = {"prefix": "det:7idd:Pilatus:", "connection_timeout_s": WAIT_S}
    with (
        start_ioc("-m", "sim", "--macro", "dies:", "--speed", "5000"),
        start_ioc("-m", "sim", "--macro", "dies:det:", "--speed", "5000") as detector,
        opened("dies:", pilatus=own, quality={"reconnect_s": 1.0}) as session,
    ):

        def kill(name: str, doc: Mapping[str, Any]) -> None:
            if name == "event" and doc["seq_num"] == 2:
                detector.process.kill()
                detector.process.wait(WAIT_S)

        session.run_engine.record_with(kill)
        with pytest.raises(NotConnectedError, match="dies:det:7idd:Pilatus:cam1:"):
            session.run_engine(session.plans()["diffraction"](dwell_s=1.0, images=5))
        summary, events = last_run(session)
        assert (summary.status, len(events)) == ("fail", 2)
        assert "dies:det:7idd:Pilatus:" in summary.reason
        assert load_images(session.store, summary.uid).shape == (2, 195, 487)
        # Nothing about the laser was in doubt, and the beamline continues to measure.
        assert "LASER" not in summary.reason
        session.measure(session.plans()["delay_scan"]("Br K", delays_ps=[100.0], dwell_s=1.0))


def test_a_pilatus_that_hangs_times_out_by_name_and_keeps_the_run(start_ioc: Any, opened: OpenSession) -> None:
    own = {"prefix": "det:7idd:Pilatus:", "connection_timeout_s": WAIT_S, "margin_s": 0.5}
    with (
        start_ioc("-m", "sim", "--macro", "hangs:", "--speed", "5000"),
        start_ioc("-m", "sim", "--macro", "hangs:det:", "--speed", "0.01"),
        opened("hangs:", pilatus=own, quality={"attempts": 1}) as session,
    ):
        with pytest.raises(
            AcquisitionError, match=r"pilatus: an image of 0\.5 s \(waiting for hangs:det:7idd:Pilatus:cam1:"
        ):
            session.run_engine(session.plans()["diffraction"](dwell_s=0.5, images=2))
        summary, events = last_run(session)
        assert (summary.status, events) == ("fail", [])
        assert session.beamline.pilatus is not None
        assert int(fresh_value(session.beamline.pilatus.cam.acquire)) == 0


def test_a_full_disk_ends_the_run_and_keeps_the_images_before(start_ioc: Any, opened: OpenSession) -> None:
    with (
        start_ioc("-c", ROOM_FOR_TWO_IMAGES, "--macro", "full:", "--speed", "5000"),
        opened("full:", pilatus={"connection_timeout_s": WAIT_S}) as session,
    ):
        diffraction = session.plans()["diffraction"]
        with pytest.raises(
            StorageError, match=r"WriteMessage reports: .*image 3.*File too large.*images written before are saved"
        ):
            session.run_engine(diffraction(dwell_s=1.0, images=5))
        summary, events = last_run(session)
        assert (summary.status, len(events)) == ("fail", 2)
        assert "File too large" in summary.reason
        assert load_images(session.store, summary.uid).shape == (2, 195, 487)
        session.measure(diffraction(dwell_s=1.0, images=2))


def test_images_continue_after_the_ioc_was_restarted(start_ioc: Any, opened: OpenSession) -> None:
    """The restarted IOC has the jet in the beam, a cold cell and no open file: all is set again, no image is lost."""
    simulation = ("-m", "sim", "--macro", "back:", "--speed", "5000")
    with start_ioc(*simulation) as first, contextlib.ExitStack() as simulations, contextlib.ExitStack() as stack:
        # Left before the simulations are: a session that closes writes to an IOC.
        session = stack.enter_context(opened("back:"))

        def restart(name: str, doc: Mapping[str, Any]) -> None:
            if name == "event" and doc["seq_num"] == 2:
                first.process.kill()
                first.process.wait(WAIT_S)
                simulations.enter_context(start_ioc(*simulation, at_port=first.port))

        session.run_engine.record_with(restart)
        session.measure(session.plans()["diffraction"](dwell_s=1.0, images=4, temperature_c=60.0))
        summary, events = last_run(session)
        assert [event["scan_index"] for event in events] == [0, 1, 2, 3]
        assert {event["quality"] for event in events} == {""}
        assert all(abs(event["temperature_c"] - 60.0) < 0.5 for event in events)
        assert load_images(session.store, summary.uid).shape == (4, 195, 487)


def test_a_series_keeps_what_it_had_when_it_ends_early(start_ioc: Any, opened: OpenSession) -> None:
    """A cell that cannot reach the second temperature costs that one, not the first."""
    with (
        start_ioc("-m", "sim", "--macro", "early:", "--speed", "50"),
        opened("early:", cell={"timeout_s": 3.0}) as session,
    ):
        series = plans.temperature_series(
            session.beamline, [24.0, 160.0], edges=["Pb L3"], images=1, image_dwell_s=1.0, dwell_s=0.1
        )
        with pytest.raises(NotSettledError, match="160 C"):
            session.run_engine(series)
        last_run(session)
        found = [(summary.plan_name, summary.status) for summary in list_runs(session.store, limit=3)]
        assert found == [
            ("static_energy_scan", "fail"),
            ("diffraction", "complete"),
            ("static_energy_scan", "complete"),
        ]
