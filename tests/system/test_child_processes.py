"""If these fail, processes are left behind, or an error does not tell why a child process did not start."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from processes.child import Child, ChildError, ChildProgram
from processes.process_table import family
from tests.support.waiting import WAIT_S, until

ECHO = "import sys; print('ready at 7', flush=True); [print('got', line.strip(), flush=True) for line in sys.stdin]"


def program(code: str, **settings: Any) -> ChildProgram:
    return ChildProgram(name="child", command=[sys.executable, "-c", code], **settings)


def test_a_child_tells_its_ready_line_takes_lines_and_ends_with_its_input(tmp_path: Path) -> None:
    """Lost: the address of a server, or a server that outlives its session."""
    lines: list[str] = []
    with Child(program(ECHO, ready=re.compile(r"at (\d)")), tmp_path / "logs" / "log", on_line=lines.append) as child:
        ready = child.wait_ready()
        assert ready is not None
        assert ready.group(1) == "7"
        child.send("this")
        until(lambda: "got this\n" in lines, "the answer")
        assert child.exit_code is None
    assert child.exit_code == 0
    assert (tmp_path / "logs" / "log").read_text() == "ready at 7\ngot this\n"


def test_a_child_that_dies_while_starting_is_quoted(tmp_path: Path) -> None:
    """Lost: the reason why a server does not start."""
    with (
        Child(program("raise SystemExit('no room')", ready=re.compile("ready")), tmp_path / "log") as child,
        pytest.raises(ChildError, match=r"(?s)ended while starting, with exit code 1.*no room"),
    ):
        child.wait_ready()


def test_a_child_that_is_never_ready_is_given_up() -> None:
    """Lost: a session that starts, instead of one that waits forever."""
    with (
        Child(program("input()", ready=re.compile("ready"), start_timeout_s=0.2)) as child,
        pytest.raises(ChildError, match=r"not ready within 0\.2 s"),
    ):
        child.wait_ready()


def test_waiting_for_a_child_can_be_broken_off() -> None:
    """Lost: Ctrl-C while a server starts."""
    stopping = threading.Event()
    stopping.set()
    with Child(program("input()", ready=re.compile("ready"))) as child:
        assert child.wait_ready(stopping) is None


def test_separate_errors_are_logged_and_quoted_but_are_no_lines(tmp_path: Path) -> None:
    """Lost: results in JSON, mixed with warnings."""
    code = "import sys; print('{}', flush=True); sys.exit('warning')"
    lines: list[str] = []
    ended = threading.Event()
    with Child(program(code, separate_errors=True), tmp_path / "log", on_line=lines.append, on_end=ended.set) as child:
        assert ended.wait(WAIT_S)
        assert child.wait_ended(60.0)
    assert lines == ["{}\n"]
    assert child.last_words() == "warning\n"


def test_a_child_that_ignores_its_input_is_killed_with_its_own_children() -> None:
    """Lost: a machine without processes that nobody can find."""
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    code += "print('ready', flush=True); time.sleep(600)"
    with Child(program(code, ready=re.compile("ready"), stop_timeout_s=0.2)) as child:
        child.wait_ready()
        pids = family(child.pid)
        assert len(pids) == 2
    assert child.exit_code == -9
    until(lambda: not any(_runs(pid) for pid in pids), "the end of both")


def test_a_keeper_ends_its_program_when_its_own_input_is_closed() -> None:
    """Lost: the end of a queue server or of Tiled, which do not watch their input, with the session."""
    command = [sys.executable, "-m", "processes.keeper", sys.executable, "-c"]
    command += ["import time; print('ready', flush=True); time.sleep(600)"]
    with Child(ChildProgram(name="keeper", command=command, ready=re.compile("ready"))) as child:
        child.wait_ready()
        pids = family(child.pid)
        assert len(pids) == 2
    assert child.exit_code is not None
    until(lambda: not any(_runs(pid) for pid in pids), "the end of both")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
