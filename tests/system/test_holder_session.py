"""If these fail, two people move one beamline, or a dead session leaves laser and X-rays on the sample."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import AcquisitionError, HeldError
from tests.support.fault_bench import FaultBench
from tests.support.patient import patient
from tests.support.waiting import WAIT_S
from trxas.configuration import Configuration, load_configuration
from trxas.prompt.welcome import safety_lines
from trxas.session.session import Session, open_session

MACRO = "held:"

OPENED = """
import sys
from trxas.configuration import load_configuration
from trxas.session.session import open_session
{action}
"""
HOLDING = """
session = open_session(load_configuration(prefix=sys.argv[1], data=sys.argv[2]))
for shutter in (session.beamline.xray_shutter, session.beamline.laser_shutter):
    shutter.set("open").wait(timeout=120)
print("ready", flush=True)
sys.stdin.read()
"""
READING = """
from errors import HeldError
configuration = load_configuration(prefix=sys.argv[1], data=sys.argv[2])
try:
    open_session(configuration)
except HeldError as error:
    print(error)
with open_session(configuration, read_only=True) as session:
    print("energy", session.beamline.energy.position)
    try:
        session.run_engine(session.plans()["foil_scan"]())
    except HeldError as error:
        print(error)
"""


@contextlib.contextmanager
def another(action: str, data: Path) -> Iterator[subprocess.Popen[str]]:
    """A session of another process."""
    command = [sys.executable, "-c", OPENED.format(action=action), MACRO, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module", autouse=True)
def ioc(start_ioc: Any) -> Iterator[None]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "500"):
        yield


@pytest.fixture
def faults(get: Any, put: Any) -> FaultBench:
    return FaultBench(MACRO, get, put)


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return patient(load_configuration(prefix=MACRO, data=tmp_path / "ours"))


@pytest.fixture
def session(configuration: Configuration) -> Iterator[Session]:
    with open_session(configuration) as opened:
        yield opened


@pytest.mark.long
def test_a_second_session_is_refused_by_name_and_may_look(session: Session, tmp_path: Path) -> None:
    with another(READING, tmp_path / "theirs") as process:
        said, _ = process.communicate(timeout=WAIT_S)
    assert session.beamline.holder is not None
    holder, _ = session.beamline.holder.held_by()
    assert f"held by {holder}" in said.splitlines()[0]
    assert "energy 13" in said
    assert "This session is read-only" in said


def trip_the_watchdog(faults: FaultBench, folder: Path) -> None:
    """Kill a session that has both shutters open."""
    for name in ("7idd:safety:TimeoutS", "7idd:session:TimeoutS"):
        faults.put(name, 3.0)
    with another(HOLDING, folder / "theirs") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        assert faults.shutters() == (1, 1)
        process.kill()
        faults.until(lambda: faults.shutters() == (0, 0), "the watchdog closed the shutters")


def test_a_session_that_ends_well_releases_and_disarms(configuration: Configuration, faults: FaultBench) -> None:
    with open_session(configuration):
        assert faults.get("7idd:safety:Watchdog") == 1
        assert faults.get("7idd:session:Holder") != ""
    assert faults.get("7idd:safety:Watchdog") == 0
    assert faults.get("7idd:session:Holder") == ""


def test_a_killed_session_leaves_both_shutters_closed_and_the_next_one_can_continue(
    configuration: Configuration, faults: FaultBench, tmp_path: Path
) -> None:
    trip_the_watchdog(faults, tmp_path)
    with open_session(configuration) as session:
        assert any("Tripped" in line and "call session.reset_safety()" in line for line in safety_lines(session))
        assert session.reset_safety() == "OK"
        plan = session.plans()["foil_scan"](regions_ev=[(13_030, 13_040, 5)])
        session.measure(plan)
        assert faults.shutters() == (0, 1)


def test_a_scan_that_begins_after_a_trip_tells_what_to_do(
    configuration: Configuration, faults: FaultBench, tmp_path: Path
) -> None:
    """Lost: an hour at the wrong place. The shutters stay closed until the watchdog is reset."""
    trip_the_watchdog(faults, tmp_path)
    tripped = rf"the watchdog has tripped \({MACRO}7idd:safety:Status = Tripped\) .* find out why"
    remedy = rf"write 1 to {MACRO}7idd:safety:Reset, call session\.reset_safety\(\) at the prompt"
    with open_session(configuration) as session:
        with pytest.raises(AcquisitionError, match=f"The xray_shutter does not open: {tripped}.*{remedy}"):
            session.measure(session.plans()["foil_scan"](regions_ev=[(13_030, 13_040, 5)]))
        assert faults.shutters() == (0, 0)
        assert session.reset_safety() == "OK"


def test_a_read_only_session_reports_it_and_resets_nothing(configuration: Configuration) -> None:
    with open_session(configuration, read_only=True) as session:
        assert any("read-only" in line for line in safety_lines(session))
        with pytest.raises(HeldError):
            session.reset_safety()


def test_the_jet_stops_and_both_shutters_close_without_any_plan(session: Session, faults: FaultBench) -> None:
    """By the session too: the IOC of a real beamline may not do it."""
    for shutter in (session.beamline.xray_shutter, session.beamline.laser_shutter):
        shutter.set("open").wait(timeout=WAIT_S)
    faults.put("7idd:jet:FlowSet", 0.0)
    try:
        faults.until(lambda: faults.shutters() == (0, 0), "closed")
    finally:
        faults.put("7idd:jet:FlowSet", 240.0)
