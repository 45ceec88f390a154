"""`trxas serve` as a process, and its queue as people use it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from gui.control.manager_link import ServerAddress, ZmqManagerLink
from processes.process_table import family
from tests.support.waiting import WAIT_S, until
from trxas.announcements.server_file import ServeState, read_state
from trxas.configuration import DEFAULT_CONFIGURATION

START_TIMEOUT_S = 240.0


def living(pids: set[int]) -> set[int]:
    """Those that run; a zombie has ended."""
    states = {}
    for pid in pids:
        try:
            states[pid] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
    return {pid for pid, state in states.items() if state != "Z"}


PROXIES = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
"""An environment as facilities have it: a proxy for everything, which knows nothing of this machine."""


def without_tiled(folder: Path) -> Path:
    """Write a configuration in `folder` of a server that starts no Tiled, which takes long, and return its path."""
    path = folder / "without_tiled.toml"
    path.write_text(DEFAULT_CONFIGURATION.read_text(encoding="utf-8") + "\n[serve]\ntiled = false\n", encoding="utf-8")
    return path


class Served:
    """`trxas serve` as a process, in an environment with a proxy."""

    def __init__(self, data: Path, log: Path, *options: str, sim: bool = True) -> None:
        self.data, self.log = data, log
        beamline = ["--sim", "--speed", "2000"] if sim else []
        command = [sys.executable, "-m", "trxas.commands.main", "serve", *beamline, "--data", str(data)]
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [*command, *options], stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **PROXIES}
            )

    def said(self) -> str:
        return self.log.read_text()

    def wait_ready(self) -> ServeState:
        until(lambda: "serve ready" in self.said() or self.process.poll() is not None, self.said, START_TIMEOUT_S)
        state = read_state(self.data)
        assert state is not None, self.said()
        return state

    def kill_all(self) -> None:
        for pid in living(family(self.process.pid)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(WAIT_S)


class Queue:
    """The queue server's API."""

    def __init__(self, state: ServeState) -> None:
        self._link = ZmqManagerLink(ServerAddress(state.queue_control, state.queue_key), timeout_s=WAIT_S)

    def ask(self, method: str, **parameters: Any) -> Any:
        return self._link.request(method, parameters)

    def wait(self, **wanted: str) -> None:
        until(lambda: wanted.items() <= self.ask("status").items(), lambda: self.ask("status"))

    def pause(self, option: str) -> None:
        """Pause the plan that has been started."""
        # The manager learns only now and then what the engine does, and refuses to pause one that it believes idle.
        self.wait(re_state="running")
        self.ask("re_pause", option=option)

    def start(self, **arguments: Any) -> None:
        self.begin("energy_scan", edge="Br K", **{"delay_ps": 100.0} | arguments)

    def begin(self, plan: str, **arguments: Any) -> None:
        item = {"item_type": "plan", "name": plan, "args": [], "kwargs": arguments}
        self.ask("queue_item_add", item=item, user="test", user_group="primary")
        self.ask("queue_start")

    def close(self) -> None:
        self._link.close()


def process_of(served: Served, text: str) -> int:
    found = [
        pid
        for pid in family(served.process.pid)
        if text in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    ]
    assert len(found) == 1, found
    return found[0]
