"""If these fail, a session that is ended badly in the middle of a plan leaves laser or X-rays on the sample."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fault_bench import FaultBench
from tests.support.quick_plans import MOVE_NOTHING, PLANS
from tests.support.waiting import WAIT_S, until
from trxas.configuration import load_configuration

MACRO = "ended:"
SHUTTERS = dict.fromkeys(
    (
        "energy_scan",
        "delay_scan",
        "fluence_scan",
        "time_zero_scan",
        "overlap_scan",
        "delay_self_test",
        "axis_scan",
        "grid_scan",
        "settings_scan",
    ),
    (1, 1),
) | {"dark_exposures": (1, 0)}
"""Laser and X-ray shutter in the exposure in which a plan is ended, by plan; 0 and 1 for all others."""

BEAMLINE = """extends = "7ID-D"

[axes.nozzle_mm]
motor = "7idd:m41"
unit = "mm"
low = -5.0
high = 5.0
tolerance = 0.01
"""
"""The beamline with an axis of its own, for the plans that scan one."""

SIGINT_APART_S = 0.2
"""bluesky takes two signals within 0.1 s for one."""


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configuration") / "beamline.toml"
    path.write_text(BEAMLINE)
    return path


@pytest.fixture(scope="module")
def ioc(start_ioc: Any, configuration: Path) -> Iterator[Any]:
    options = load_configuration(configuration).simulation_options
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "200", "--seed", "3", *options) as running:
        yield running


@pytest.fixture
def bench(ioc: Any, get: Any, put: Any) -> Iterator[FaultBench]:
    made = FaultBench(MACRO, get, put)
    yield made
    made.until(lambda: made.get("7idd:session:Holder") == "", "the session's lock falls")
    made.put("7idd:scaler1.CNT", 0)
    made.put("7idd:Pilatus:cam1:Acquire", 0)
    made.put("7idd:safety:Reset", 1)


class Measuring:
    """A session that takes orders on its standard input."""

    def __init__(self, configuration: Path, data: Path, name: str) -> None:
        command = [sys.executable, "-m", "tests.support.measuring_session", MACRO, str(configuration), str(data), name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hear("ready")

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def hear(self, word: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise AssertionError(f"the session ended, {self.process.poll()}, before it said {word}")

    def ctrl_c_twice(self) -> None:
        for _ in range(2):
            self.process.send_signal(signal.SIGINT)
            time.sleep(SIGINT_APART_S)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=WAIT_S)


def exposing(bench: FaultBench, name: str) -> bool:
    """Whether the beam is on the sample and detectors count; a calibration of the laser only has to run."""
    if name == "calibrate_attenuator":
        return True
    counting = bench.get("7idd:scaler1.CNT") == 1
    return counting and bench.shutters() == SHUTTERS.get(name, (0, 1))


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in PLANS if name not in MOVE_NOTHING])
def test_ctrl_c_twice_an_exception_and_a_kill_leave_both_shutters_shut(
    bench: FaultBench, configuration: Path, tmp_path: Path, name: str
) -> None:
    session = Measuring(configuration, tmp_path, name)
    try:
        session.tell("measure")
        session.hear("measuring")
        bench.until(lambda: exposing(bench, name), "exposing")
        session.ctrl_c_twice()
        assert session.hear("answer:") == "paused"
        assert bench.shutters() == (0, 0), "paused"
        session.tell("abort")
        assert session.hear("answer:") == "idle"
        assert bench.shutters() == (0, 0), "aborted"
        session.tell("fail")
        assert session.hear("answer:") == "failed: disk full"
        assert bench.shutters() == (0, 0), "failed"
        session.tell("measure")
        session.hear("measuring")
        bench.until(lambda: exposing(bench, name), "exposing")
    finally:
        session.close()
    until(lambda: bench.shutters() == (0, 0), "the watchdog to close both shutters")
    assert "no heartbeat" in bench.text("7idd:safety:Reason")
