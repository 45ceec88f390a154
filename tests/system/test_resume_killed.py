"""If these fail, a session that is killed in the night costs more than the exposure it was in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import InputError, StorageError
from reduction.accumulator import accumulate
from reduction.events import PrimaryEvents, events_of
from storage import good_exposures, list_runs, load_chain, load_dataset
from tests.support.patient import patient
from tests.support.waiting import WAIT_S
from trxas.configuration import Configuration, load_configuration
from trxas.prompt.welcome import welcome
from trxas.session.resume import resume_run, unfinished_runs
from trxas.session.session import Session, open_session
from trxas.validation.paper.section_session import SectionSession

MACRO = "resume:"
REPOSITORY = Path(__file__).parents[2]

MEASURE = """
import sys
from dataclasses import replace
from trxas.configuration import load_configuration
from trxas.session.session import open_session

made = load_configuration(prefix=sys.argv[1], address_list=sys.argv[3], data=sys.argv[2])
epics = replace(made.beamline.epics, connection_timeout_s=120)
with open_session(replace(made, beamline=replace(made.beamline, epics=epics))) as session:
    session.run_engine.subscribe(lambda name, doc: print(name, flush=True))
    plans = session.plans()
    if sys.argv[4] == "fly":
        plan = plans["energy_scan"]("Br K", delay_ps=100.0, regions_ev=[(13_450, 13_570, 5)], dwell_s=4.0, bin_s=0.2,
                                    sample="killed", stepping="fly")
    else:
        plan = plans["delay_scan"]("Br K", delays_ps=[-100.0, 0.0, 100.0, 200.0], dwell_s=1.0, repeats=50,
                                   sample="killed", stepping=sys.argv[4])
    session.measure(plan)
"""


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "5000", "--seed", "3") as running:
        yield running


@pytest.fixture
def configuration(ioc: Any, tmp_path: Path) -> Configuration:
    return patient(load_configuration(prefix=MACRO, data=tmp_path))


def killed_session(data: Path, address_list: str, exposures: int, stepping: str = "software") -> None:
    """A session process that is killed with SIGKILL after the given number of exposures, or of pages of a sequence."""
    command = [sys.executable, "-c", MEASURE, MACRO, str(data), address_list, stepping]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        seen = 0
        while seen < exposures:
            line = process.stdout.readline()
            assert line, "the session ended by itself"
            seen += line.strip() in ("event", "event_page")
    finally:
        process.kill()
        process.communicate(timeout=WAIT_S)


def look_and_reset(session: Session) -> None:
    """What a person does after a crash: the watchdog may have closed the shutters of the dead session."""
    assert session.beamline.safety is not None
    if session.beamline.safety.state == "Tripped":
        session.reset_safety()


def test_a_killed_session_is_resumed(configuration: Configuration, tmp_path: Path) -> None:
    """Lost: exposures of the killed run, or the time to measure them again; a fit of half a trace."""
    killed_session(tmp_path, configuration.beamline.epics.address_list, 60)
    with open_session(configuration) as session:
        (uid,) = session.store.recovery.closed
        assert f'resume_run("{uid[:8]}")' in welcome(session)
        before = good_exposures(load_dataset(session.store, uid))
        assert 60 <= len(before) < 200
        look_and_reset(session)
        new = resume_run(session, uid[:8])
        assert new != uid
        assert [run[0][1]["uid"] for run in load_chain(session.store, new)] == [uid, new]
        exposures = good_exposures(load_dataset(session.store, uid))
        assert len(exposures) == len(set(exposures)) == 200
        resumed = list_runs(session.store, journals_only=True)[0]
        assert (resumed.resumes, resumed.status) == (uid, "complete")
        sums = accumulate(load_dataset(session.store, new))
        np.testing.assert_array_equal(sums.exposures[..., 1], np.ones((50, 4)))
        assert unfinished_runs(session.store) == []
        with pytest.raises(InputError, match="nothing to resume"):
            resume_run(session, new)


@pytest.mark.long
def test_what_a_sequence_counted_after_its_session_was_killed_is_read_again(
    configuration: Configuration, tmp_path: Path
) -> None:
    """Lost: the beam time of the frames that nobody could store, or frames that are stored twice."""
    killed_session(tmp_path, configuration.beamline.epics.address_list, 1, "hardware")
    with open_session(configuration) as session:
        (uid,) = session.store.recovery.closed
        before = good_exposures(load_dataset(session.store, uid))
        assert 0 < len(before) < 200
        look_and_reset(session)
        new = resume_run(session, uid[:8])
        exposures = good_exposures(load_dataset(session.store, uid))
        assert len(exposures) == len(set(exposures)) == 200
        primary = PrimaryEvents()
        rows = [row["data"] for name, doc in load_dataset(session.store, new) for row in primary(name, doc)]
        numbers = [row["exposure_id"] for row in rows]
        assert len(numbers) == len(set(numbers))
        # The sequencer had gone on: nearly nothing was measured again.
        assert max(numbers) - min(numbers) < 260


@pytest.mark.long
def test_what_a_fly_scan_counted_after_its_session_was_killed_is_read_again(
    configuration: Configuration, tmp_path: Path
) -> None:
    """Lost: the beam time of the frames that nobody could store, or frames that count twice."""
    killed_session(tmp_path, configuration.beamline.epics.address_list, 12, "fly")
    with open_session(configuration) as session:
        (uid,) = session.store.recovery.closed
        before = good_exposures(load_dataset(session.store, uid))
        assert 0 < len(before) < 500
        look_and_reset(session)
        new = resume_run(session, uid[:8])
        exposures = good_exposures(load_dataset(session.store, uid))
        assert len(exposures) == len(set(exposures)) == 20 * 25
        frames = [number for one in load_chain(session.store, new) for number in good_frames(one)]
        assert len(frames) == len(set(frames))
        events = [row for one in load_chain(session.store, new) for row in primary_rows(one)]
        counted_s = sum(row["exposure_s"] for row in events if not row["quality"])
        # Of the bins of one page the frames may be lost with the session; their events hold the counts all the same.
        assert len(frames) * 0.04 == pytest.approx(counted_s, rel=0.05)


def primary_rows(documents: Any) -> list[dict[str, Any]]:
    primary = PrimaryEvents()
    return [row["data"] for name, doc in documents for row in primary(name, doc)]


def good_frames(documents: Any) -> list[int]:
    """Numbers of the good frames in the stream of a fly scan."""
    streams = {doc["uid"] for name, doc in documents if name == "descriptor" and doc["name"] == "frames"}
    rows = [row for name, doc in documents for row in events_of(name, doc) if row["descriptor"] in streams]
    return [row["data"]["frame_exposure_id"] for row in rows if not row["data"]["frame_quality"]]


def section_session(session: Session) -> SectionSession:
    return SectionSession(session, campaign="campaign", section="kinetics", resumable=True, report=print)


@pytest.mark.long
def test_an_interrupted_part_of_the_paper_keeps_its_runs(configuration: Configuration) -> None:
    """Lost: with `trxas paper --resume`, the hours that the interrupted part had been measured already."""
    delays = [0.0, 50.0, 100.0]

    def run(key: str, *, stop_after: int | None = None) -> str:
        seen = 0

        def stop(name: str, doc: Any) -> None:
            nonlocal seen
            seen += name == "event"
            if name == "event" and seen == stop_after:
                raise StorageError("the disk is gone")

        session.run_engine.record_with(stop)
        return section.measure(key, session.plans()["delay_scan"]("Br K", delays_ps=delays, dwell_s=1.0, repeats=2))

    with open_session(configuration) as session:
        look_and_reset(session)
        section = section_session(session)
        first = run("first")
        with pytest.raises(StorageError, match="the disk is gone"):
            run("second", stop_after=4)
        section = section_session(session)
        second = run("second")
        assert run("first") == first, "the order of calls does not matter"
        chain = load_chain(session.store, second)
        assert [sum(name == "event" for name, _ in one) for one in chain] == [4, 2]
        third = run("third")
        assert third not in (first, second)
        assert len(load_chain(session.store, third)) == 1
