"""If these fail, the session that the README starts does not work on a terminal, with or without a screen."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processes.process_table import family
from processes.virtual_screen import PROGRAM
from storage import list_runs, load_run, open_store
from tests.support.fault_bench import FaultBench
from tests.support.terminal_session import (
    TerminalSession,
    can_show_windows,
    readme_session,
    screen_or_skip,
    terminal_session,
)
from tests.support.waiting import until
from trxas.configuration import DEFAULT_CONFIGURATION

MACRO = "prompt:"
SCAN = 'RE(energy_scan("Br K", delay_ps=100, dwell_s=6, sample="CsPbBr3"))'
TWO_SCANS = (
    "EV = [(13440, 13464, 4), (13468, 13476, 1), (13480, 13570, 10)]; from bluesky.preprocessors import pchain; "
    'RE(pchain(*[energy_scan("Br K", delay_ps=d, regions_ev=EV, dwell_s=1) for d in (50, 100)]))'
)
NOT_SHOWN = "Figures are saved but not shown"
pytestmark = pytest.mark.timeout(900)  # several scans and starts of a session on a busy machine


def screens(quick: str) -> pytest.MarkDecorator:
    """Run a test without and with a screen; the one that is not `quick` belongs to the long tests."""
    marks = {name: () if name == quick else (pytest.mark.long,) for name in ("no_screen", "screen")}
    cases = [pytest.param(name == "screen", id=name, marks=marks[name]) for name in marks]
    return pytest.mark.parametrize("with_screen", cases)


@pytest.fixture
def screen(with_screen: bool) -> Iterator[str]:
    """DISPLAY of the session, "" without one."""
    with screen_or_skip() if with_screen else contextlib.nullcontext() as virtual:
        yield virtual.display if virtual else ""


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


@screens(quick="screen" if shutil.which(PROGRAM) else "no_screen")
def test_the_session_of_the_readme_does_what_the_readme_says(tmp_path: Path, with_screen: bool) -> None:
    """Lost: the first scan of everybody who has a screen (set_wakeup_fd only works in main thread).

    Then the screen goes away in the middle of a scan, as when the connection of `ssh -X` is cut.
    """
    lines = readme_session()
    assert SCAN in lines
    options = ("--sim", "--speed", "1000", "--data", str(tmp_path))
    with (
        screen_or_skip() if with_screen else contextlib.nullcontext() as virtual,
        terminal_session(*options, screen=virtual.display if virtual else "") as session,
    ):
        for line in lines:
            output = session.run(line)
            assert is_clean(output), output
            if line.startswith("RE("):
                # Everything that a scan shows is there before the prompt is.
                assert "figure: " in output
                assert output.index("figure: ") < output.index("Out[")
        where = session.begin(TWO_SCANS)
        until(lambda: "good" in session.shown[where:], "a point")
        if virtual is None:
            assert windows(session) == []
        else:
            # Where Qt lacks libraries for X, the session must say so.
            shows = can_show_windows(virtual.display)
            until(lambda: windows(session) if shows else NOT_SHOWN in session.shown, "the window for figures")
            virtual.process.kill()
        assert_two_figures(session.finish(where))
        assert session.end() == 0
    scans = 4
    assert len(list((tmp_path / "figures").glob("*.png"))) == scans
    with open_store(tmp_path, recover_runs=False) as store:
        assert [run.status for run in list_runs(store)] == ["complete"] * scans


def assert_two_figures(output: str) -> None:
    """Check what the terminal shows of two scans."""
    assert is_clean(output), output
    assert output.count("figure: ") == 2


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
        assert_a_users_own_callback_is_left_out(session)
        assert session.end() == 0
    with open_store(tmp_path / "data", recover_runs=False) as store:
        *_, run = list_runs(store)  # the first one, as the latest come first
        assert run.status == "complete"
        events = [doc["data"] for name, doc in load_run(store, run.uid) if name == "event"]
    assert [event["suspended"] for event in events if "suspended" in event] == [1, 0]
    good = [event["point_index"] for event in events if event.get("quality") == ""]
    assert good == list(range(79))


def assert_a_users_own_callback_is_left_out(session: TerminalSession) -> None:
    """Lost: the scan, and the reason why the user's own plot stays empty."""
    session.run("def mine(name, doc): return doc['data']['no_such_key']")
    session.run("token = RE.subscribe(mine, 'event')")
    output = session.run(TWO_SCANS)
    assert output.count("mine failed at a document of type 'event': KeyError: 'no_such_key'") == 1
    assert "Traceback" not in output
    assert output.count("figure: ") == 2
