"""If these fail, `trxas soak` calls a process flat that eats the machine in a week, or a healthy one a leak."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from processes.process_table import ProcessUse, family, name_of, use_of
from tests.support.waiting import WAIT_S
from trxas.validation.robustness.growth import growth
from trxas.validation.robustness.soak import SoakResult

STEADY = ProcessUse(memory_mb=200.0, files=20, threads=8)


def samples(late: ProcessUse, *, hours: float = 24.0) -> list[tuple[float, dict[str, ProcessUse]]]:
    """A process that grows evenly from the first hour on, after it has doubled within that."""
    found = []
    for number in range(401):
        at = hours * number / 400
        part = max(0.0, (at - 1.0) / (hours - 1.0))
        use = ProcessUse(
            memory_mb=STEADY.memory_mb + part * (late.memory_mb - STEADY.memory_mb),
            files=round(STEADY.files + part * (late.files - STEADY.files)),
            threads=round(STEADY.threads + part * (late.threads - STEADY.threads)),
        )
        found.append((at, {"it": ProcessUse(memory_mb=100.0, files=5, threads=2) if at < 1.0 else use}))
    return found


@pytest.mark.parametrize(
    ("late", "flat"),
    [
        (STEADY, True),
        (ProcessUse(memory_mb=208.0, files=22, threads=9), True),
        (ProcessUse(memory_mb=150.0, files=10, threads=4), True),
        (ProcessUse(memory_mb=225.0, files=20, threads=8), False),
        (ProcessUse(memory_mb=200.0, files=30, threads=8), False),
        (ProcessUse(memory_mb=200.0, files=20, threads=15), False),
    ],
)
def test_what_grows_after_the_first_hour_is_told_from_what_does_not(late: ProcessUse, flat: bool) -> None:
    assert growth(samples(late))["it"].is_flat is flat


def test_a_process_that_is_not_there_all_the_time_is_not_compared() -> None:
    looked = samples(STEADY)
    assert growth([(at, {} if at > 20 else use) for at, use in looked]) == {}
    assert not SoakResult(growth={}).is_flat


def test_trouble_is_never_flat() -> None:
    found = growth(samples(STEADY))
    assert SoakResult(growth=found).is_flat
    assert not SoakResult(growth=found, trouble=["the window ended by itself"]).is_flat


def test_the_use_of_a_process_is_that_of_the_kernel() -> None:
    """Files and threads exactly, memory within the noise of an interpreter."""
    code = "import sys, threading; b = bytearray(100_000_000); f = [open('/dev/null') for _ in range(7)]; "
    code += "[threading.Thread(target=sys.stdin.read, daemon=True).start() for _ in range(2)]; "
    code += "print('ready', flush=True); threading.Event().wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        use = use_of(process.pid)
        assert use is not None
        assert (use.files, use.threads) == (10, 3)
        assert 100 < use.memory_mb < 160
        assert family(os.getpid()) >= {os.getpid(), process.pid}
        process.kill()
    assert use_of(process.pid) is None


def test_processes_are_called_by_what_they_run() -> None:
    command: list[Any] = [sys.executable, "-m", "trxas.serve.redis_stand_in"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert name_of(process.pid) == "serve.redis_stand_in"
        process.communicate(timeout=WAIT_S)
