"""The measuring process for the queue: it serves the data folder and puts plans into the queue, as windows do.

`python -m trxas.validation.robustness.queue_process` takes the options of `measuring_process`. The session is the one
that `trxas serve` opens; it is reached through the queue server and its relay alone.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from broadcast.relay import RelayAddresses
from broadcast.subscriber import Subscriber
from errors import TrxasError
from gui.control.manager_link import ServerAddress, ZmqManagerLink, plan_item, signed
from processes.child import Child, ChildProgram
from processes.parent import end_with_parent
from processes.waiting import wait_until
from storage import open_store
from storage.runs import RunSource
from trxas.announcements.server_file import read_state
from trxas.validation.robustness.measuring_process import measure_all, parsed, report, report_event

READY = re.compile("trxas serve ready")
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 90.0
"""Wall times for the server to start (15 s on a free machine) and to end, with the last run written."""

OPEN_TIMEOUT_S = 150.0
"""Wall time for the queue's session to open: more than the 60 s that it waits for the beamline."""

POLL_S = 0.2


class QueuedPlanError(TrxasError):
    """A plan of the queue failed; the message is that of the queue server."""


class QueueMeasurer:
    """The session of the queue server that serves the data folder of `store`."""

    def __init__(self, store: RunSource) -> None:
        self._store = store
        self._link = ZmqManagerLink(lambda: _queue_address(store.root), timeout_s=10.0)

    @property
    def store(self) -> RunSource:
        """The data folder of the session."""
        return self._store

    def measure(self, plan: str, arguments: Mapping[str, Any]) -> None:
        """Run a plan through the queue; raise QueuedPlanError if it did not succeed."""
        self._open_session()
        # A plan that failed is put back to the front of the queue by the server, as a person would want it. Here the
        # loop decides what comes next, so the queue is emptied first.
        self._link.request("queue_clear", {})
        self._link.request("queue_item_add", signed(item=plan_item(plan, arguments)))
        self._link.request("queue_start", {})
        self._wait_until_idle()
        result = self._link.request("history_get", {})["items"][-1]["result"]
        if result["exit_status"] != "completed":
            raise QueuedPlanError(f"{plan}: {result['exit_status']}: {result['msg']}")

    def resume(self, uid: str) -> None:
        """Measure what the dataset of a run lacks; raises QueuedPlanError if the plan did not succeed."""
        self.measure("resume_run", {"run": uid})

    def reset_safety(self) -> str:
        """Reset the watchdog, whatever its state, which the queue does not show.

        Raises QueuedPlanError if the plan did not succeed.
        """
        self.measure("reset_safety", {})
        return "asked for"

    def close(self) -> None:
        """Disconnect from the queue server."""
        self._link.close()

    def _open_session(self) -> None:
        """Open the session if there is none: the beamline may have been away when the server started."""
        if not self._status()["worker_environment_exists"]:
            self._link.request("environment_open", {})
            self._wait_until_idle(OPEN_TIMEOUT_S)

    def _wait_until_idle(self, timeout_s: float = float("inf")) -> None:
        wait_until(lambda: self._status()["manager_state"] == "idle", timeout_s=timeout_s, poll_s=POLL_S)

    def _status(self) -> Mapping[str, Any]:
        return self._link.request("status", {})


def main(arguments: list[str] | None = None) -> int:
    """Serve, and measure until there are enough datasets. Return the exit code."""
    options = parsed(arguments)
    end_with_parent()
    with Child(_server(options), options.data / "serve.log") as server:
        server.wait_ready()
        report("session")
        threading.Thread(target=_report_events, args=(options.data, time.time()), daemon=True).start()
        with open_store(options.data, recover_runs=False) as store:
            measurer = QueueMeasurer(store)
            measure_all(measurer, options.enough, options.datasets)
            measurer.close()
    return 0


def _server(options: Namespace) -> ChildProgram:
    where = ["--config", str(options.config), "--data", str(options.data), "--address-list", options.address_list]
    return ChildProgram(
        name="server",
        command=[sys.executable, "-m", "trxas.commands.main", "--stop-with-stdin", "serve", *where],
        ready=READY,
        start_timeout_s=START_TIMEOUT_S,
        stop_timeout_s=STOP_TIMEOUT_S,
    )


def _report_events(root: Path, since_s: float) -> None:
    """Report the exposures measured after `since_s` (Unix epoch): a relay also sends earlier runs."""
    subscriber = Subscriber(_relay_addresses(root))
    while True:
        for name, doc in subscriber.take(timeout_s=1.0).documents:
            if doc.get("time", 0.0) > since_s:
                report_event(name, doc)


def _relay_addresses(root: Path) -> Callable[[], RelayAddresses | None]:
    def addresses() -> RelayAddresses | None:
        state = read_state(root)
        return None if state is None else state.relay

    return addresses


def _queue_address(root: Path) -> ServerAddress | None:
    state = read_state(root)
    return None if state is None else ServerAddress(state.queue_control, state.queue_key)


if __name__ == "__main__":
    sys.exit(main())
