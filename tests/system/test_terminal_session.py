"""If these fail, the session that the README starts does not work on a terminal, with or without a screen."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processes.process_table import family
from storage import list_runs, load_run, open_store
from tests.support.fault_bench import FaultBench
from tests.support.terminal_session import TerminalSession, readme_session, screen_or_skip, terminal_session
from tests.support.waiting import until
from trxas.configuration import DEFAULT_CONFIGURATION

MACRO = "prompt:"
SCAN = 'RE(energy_scan("Br K", delay_ps=100, dwell_s=6, sample="CsPbBr3"))'
TWO_SCANS = (
    "EV = [(13440, 13464, 4), (13468, 13476, 1), (13480, 13570, 10)]; from bluesky.preprocessors import pchain; "
    'RE(pchain(*[energy_scan("Br K", delay_ps=d, regions_ev=EV, dwell_s=1) for d in (50, 100)]))'
)
pytestmark = pytest.mark.timeout(900)  # several scans and starts of a session on a busy machine


def screens(quick: str) -> pytest.MarkDecorator:
    """Run a test without and with a screen; the one that is not `quick` belongs to the long tests."""
    marks = {name: () if name == quick else (pytest.mark.long,) for name in ("no_screen", "screen")}
    cases = [pytest.param(name == "screen", id=name, marks=marks[name]) for name in marks]
    return pytest.mark.parametrize("with_screen", cases)


@pytest.fixture
def screen(with_screen: bool) -> Iterator[str]:
    """DISPLAY of the session, "" without one."""
    if not with_screen:
        yield ""
        return
    with screen_or_skip() as virtual:
        yield virtual.display


def is_clean(output: str) -> bool:
    """Whether a line did what it should: neither a traceback nor an error in few words."""
    return re.search(r"Traceback|Error\b|\berror\b|\bfailed\b", output) is None


def windows(session: TerminalSession) -> list[str]:
    """Command lines of the processes that show figures of a session."""
    lines = []
    for pid in family(session.terminal.process.pid):
        with contextlib.suppress(OSError):
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [line for line in lines if "figure_viewer" in line]


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "300") as running:
        yield running


@screens(quick="screen")
def test_the_session_of_the_readme_does_what_the_readme_says(tmp_path: Path, screen: str) -> None:
    """Lost: the first scan of everybody who has a screen (set_wakeup_fd only works in main thread)."""
    lines = readme_session()
    assert SCAN in lines
    with terminal_session("--sim", "--speed", "1000", "--data", str(tmp_path), screen=screen) as session:
        for line in lines:
            output = session.run(line)
            assert is_clean(output), output
            if line.startswith("RE("):
                # Everything that a scan shows is there before the prompt is.
                assert "figure: " in output
                assert output.index("figure: ") < output.index("Out[")
        output = session.run(TWO_SCANS)
        assert is_clean(output), output
        assert output.count("figure: ") == 2
        assert len(windows(session)) == bool(screen)
        assert session.end() == 0
    assert len(list((tmp_path / "figures").glob("*.png"))) == 4
    with open_store(tmp_path, recover_runs=False) as store:
        assert [run.status for run in list_runs(store)] == ["complete"] * 4


def test_a_screen_that_goes_away_takes_no_session_with_it(ioc: Any, tmp_path: Path) -> None:
    """Lost: the session and its scan, when the connection of `ssh -X` is cut."""
    with (
        screen_or_skip() as virtual,
        terminal_session("--prefix", MACRO, "--data", str(tmp_path), screen=virtual.display) as session,
    ):
        assert is_clean(session.run(TWO_SCANS))
        where = session.begin(TWO_SCANS)
        until(lambda: "good" in session.shown[where:], "a point")
        virtual.process.kill()
        output = session.finish(where)
        assert is_clean(output), output
        assert output.count("figure: ") == 2
        assert session.end() == 0


@screens(quick="no_screen")
def test_a_beam_dump_suspends_the_scan_at_the_prompt(ioc: Any, tmp_path: Path, screen: str, get: Any, put: Any) -> None:
    """Lost: the scan, to a table that did not know the stream of the suspensions."""
    configuration = tmp_path / "beamline.toml"
    text = DEFAULT_CONFIGURATION.read_text(encoding="utf-8")
    text = text.replace("[quality]", "[quality]\nring_settle_s = 0.5\npause_high_s = 1.0", 1)
    # A busy machine may answer late.
    text = text.replace("connection_timeout_s = 5.0", "connection_timeout_s = 60.0", 1)
    configuration.write_text(text, encoding="utf-8")
    options = ("--config", str(configuration), "--prefix", MACRO, "--data", str(tmp_path / "data"))
    bench = FaultBench(MACRO, get, put)
    with terminal_session(*options, screen=screen) as session:
        where = session.begin(SCAN)
        until(lambda: session.shown[where:].count(" good") > 5, lambda: session.shown[where:])
        bench.put("7idd:sim:Fault:BeamDump", 1e6)
        bench.until(lambda: bench.shutters() == (0, 0), "closed shutters")
        bench.put("7idd:sim:FaultsClear", 1)
        output = session.finish(where)
        assert is_clean(output), output
        assert "figure: " in output
        assert session.end() == 0
    with open_store(tmp_path / "data", recover_runs=False) as store:
        (run,) = list_runs(store)
        assert run.status == "complete"
        events = [doc["data"] for name, doc in load_run(store, run.uid) if name == "event"]
    assert [event["suspended"] for event in events if "suspended" in event] == [1, 0]
    good = [event["point_index"] for event in events if event.get("quality") == ""]
    assert good == list(range(79))


def test_a_users_own_callback_that_fails_is_reported_at_the_prompt(ioc: Any, tmp_path: Path) -> None:
    """Lost: the scan, and the reason why the own plot stays empty."""
    with terminal_session("--prefix", MACRO, "--data", str(tmp_path)) as session:
        session.run("def mine(name, doc): return doc['data']['no_such_key']")
        session.run("token = RE.subscribe(mine, 'event')")
        output = session.run(TWO_SCANS)
        assert output.count("mine failed at a document of type 'event': KeyError: 'no_such_key'") == 1
        assert "Traceback" not in output
        assert output.count("figure: ") == 2
        assert session.end() == 0
