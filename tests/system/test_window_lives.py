"""If this fails, killing and reopening the window costs points of a run under way, or the window shows wrong ones."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gui.live.broadcast_feed import BroadcastFeed
from gui.live.worker import LiveWorker
from reduction.accumulator import accumulate
from reduction.types import Mode
from reduction.xas.all_gates import best_spectrum
from storage import load_run, open_store
from tests.support.served import Queue, Served, without_tiled
from tests.support.waiting import WAIT_S, until
from trxas.announcements.server_file import read_state

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.channel_access

LIVES = int(os.environ.get("TRXAS_WINDOW_LIVES", "1"))
"""How often the window is killed and opened again in the middle of the run."""


class Window:
    """`trxas gui`, and the last that it said of what it shows."""

    def __init__(self, data: Path, layout: Path) -> None:
        command = [sys.executable, "-m", "tests.support.reporting_window", "--data", str(data), "--layout", str(layout)]
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.said: dict[str, Any] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """As the kernel does."""
        self.process.kill()
        self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait(self, condition: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        """What it said when `condition` was met."""
        met: list[dict[str, Any]] = []

        def look() -> bool:
            said = self.said
            if said and condition(said):
                met.append(said)
            return bool(met)

        until(look, lambda: f"{what}: {self.said}, exit code {self.process.poll()}", timeout_s=2 * WAIT_S)
        return met[0]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.said = json.loads(line)


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Callable[[Path], Window]]:
    """Opens windows; those that are left are killed."""
    opened: list[Window] = []

    def open_window(data: Path) -> Window:
        opened.append(Window(data, tmp_path / "window.ini"))
        return opened[-1]

    yield open_window
    for window in opened:
        if window.process.poll() is None:
            window.kill()


@pytest.fixture
def served(ca_repeater: None, tmp_path: Path) -> Iterator[Served]:
    """Without Tiled, which windows do not ask."""
    served = Served(tmp_path / "data", tmp_path / "log", "--config", str(without_tiled(tmp_path)))
    served.wait_ready()
    yield served
    served.kill_all()


def test_a_window_killed_again_and_again_shows_every_point_and_disturbs_none(
    served: Served, windows: Callable[[Path], Window]
) -> None:
    """If this fails, opening the window costs points, or one cannot trust what a reopened one shows."""
    state = read_state(served.data)
    assert state is not None
    queue, witness = Queue(state), LiveWorker(BroadcastFeed(state.relay))
    witness.start()
    try:
        queue.start(dwell_s=30.0, repeats=2000, sample="watched")
        until(lambda: witness.frame.events > 100, lambda: witness.frame)
        assert witness.frame.run is not None
        uid = witness.frame.run.uid
        took_s: list[float] = []
        for _life in range(LIVES):
            began = time.monotonic()
            measured = witness.frame.events
            window = windows(served.data)
            said = window.wait(lambda said, least=measured: said["answered"] >= least, "a window in the run")  # type: ignore[misc]
            took_s.append(time.monotonic() - began)
            assert (said["uid"], said["missed"]) == (uid, 0)
            window.kill()
        window = windows(served.data)
        window.wait(lambda said: "LIVE" in said["state"], "the last window")
        queue.ask("re_pause", option="deferred")
        queue.wait(manager_state="paused")
        queue.ask("re_stop")
        queue.wait(manager_state="idle")
        end = window.wait(lambda said: said["exit_status"] and said["answered"] == said["events"], "the run's end")
    finally:
        witness.stop(WAIT_S)
        queue.close()
    with open_store(served.data, recover_runs=False) as store:
        documents = load_run(store, uid)
    events = [doc["data"] for name, doc in documents if name == "event"]
    places = {(data["scan_index"], data["point_index"], data["laser_shutter"]) for data in events}
    times = [doc["time"] for name, doc in documents if name == "event"]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean_s = sum(took_s) / LIVES
    logger.info("%d lives of %.1f s; %d exposures, longest pause %.2f s", LIVES, mean_s, len(events), max(gaps))
    assert end["exit_status"] == documents[-1][1]["exit_status"] == "success"
    assert end["events"] == len(events) == len(places)
    assert {data["quality"] for data in events} == {""}
    run = accumulate(documents)
    modes: tuple[Mode, ...] = ("boxcar", "spc")
    stored = {mode: best_spectrum(run, mode).transient.tolist() for mode in modes}
    window.wait(lambda said: said["transient"] == stored[said["mode"]], "the spectrum of the stored run")


def test_a_window_finds_a_server_that_comes_later_and_one_that_comes_back_elsewhere(
    ca_repeater: None, windows: Callable[[Path], Window], tmp_path: Path
) -> None:
    """If this fails, the window must be reopened whenever the server was restarted, or shows no devices at all."""
    data = tmp_path / "data"
    config = str(without_tiled(tmp_path))
    seen = set()
    data.mkdir()
    window = windows(data)
    window.wait(lambda said: said["devices"] and {"✕ DISCONNECTED"} == set(said["devices"]), "nothing yet")
    for number in range(2):
        served = Served(data, tmp_path / f"log-{number}", "--no-environment", "--config", config)
        try:
            seen.add(served.wait_ready().epics)
            window.wait(lambda said: "✕ DISCONNECTED" not in said["devices"], "the devices")
            window.wait(lambda said: "NO RUN" in said["state"], "the relay")
        finally:
            served.kill_all()
        window.wait(lambda said: {"✕ DISCONNECTED"} == set(said["devices"]), "the devices gone")
    assert len(seen) == 2
