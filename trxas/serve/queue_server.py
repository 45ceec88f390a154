"""bluesky-queueserver as a child process: its command, its environment, and an end that leaves no run open."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from broadcast.relay import LOOPBACK
from errors import ConfigurationError, TrxasError
from gui.control.manager_link import RefusedError, ServerAddress, ServerSilentError, ZmqManagerLink
from processes.child import ChildProgram
from processes.waiting import wait_until
from trxas.configuration import Configuration
from trxas.serve.keys import QUEUE_VARIABLE, Keys

FILES = Path(__file__).parents[2] / "profile_collection" / "queue_server"
"""Startup script and permissions."""

OPTIONS = "TRXAS_QUEUE_SERVER_SESSION"
"""Environment variable with the arguments of `load_configuration` as JSON."""

OPEN_TIMEOUT_S = 120.0
"""Opening the environment connects all PVs and may create the catalogue."""

END_TIMEOUT_S = 30.0
"""An abort waits for the axes to stop and the store to write the end of the run."""

_POLL_S = 0.2
_AGAIN_S = 2.0

_TO_END: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "executing_queue": ("re_pause", {"option": "immediate"}),
    "paused": ("re_abort", {}),
}
"""Request by state of the manager, repeated until no plan runs."""


class QueueServerError(TrxasError):
    """The queue server refused a request, or took too long."""


def queue_server(configuration: Configuration, *, redis: str, port: int, keys: Keys) -> ChildProgram:
    """Return the RE Manager with the plans of a session; it accepts clients that have its public key.

    Raises ConfigurationError if its files are missing.
    """
    script = FILES / "startup.py"
    permissions = FILES / "user_group_permissions.yaml"
    if not script.exists() or not permissions.exists():
        raise ConfigurationError(f"No startup script in {FILES}. Install trxas from its checkout with `make`.")
    control = f"tcp://{LOOPBACK}:{port}"
    known = configuration.storage.root / "serve" / "existing_plans_and_devices.yaml"
    link = ZmqManagerLink(ServerAddress(control, keys.queue_public), timeout_s=0.5)
    manager = [
        *(sys.executable, "-m", "trxas.serve.queue_manager", "--zmq-control-addr", control),
        *("--zmq-publish-console", "OFF", "--redis-addr", redis),
        *("--redis-name-prefix", f"trxas_{configuration.beamline.name}".replace(" ", "_")),
        *("--startup-script", str(script), "--existing-plans-devices", str(known)),
        *("--user-group-permissions", str(permissions)),
    ]
    return ChildProgram(
        name="queue server",
        command=[sys.executable, "-m", "processes.keeper", *manager],
        answers=lambda: _answers(link),
        environment={OPTIONS: json.dumps(_options(configuration)), QUEUE_VARIABLE: keys.queue_private},
    )


class QueueServer:
    """Requests to the RE Manager at `control`."""

    def __init__(self, control: ServerAddress) -> None:
        self._link = ZmqManagerLink(control)

    def status(self) -> Mapping[str, Any]:
        """Return its status, as in bluesky-queueserver's API. Raises ServerSilentError or RefusedError."""
        return self._link.request("status", {})

    def open_environment(self, interrupted: Callable[[], bool]) -> None:
        """Open the session in which plans run; raise QueueServerError if it does not open."""
        # The request only begins to open the environment. Its end is seen in the state: idle again. Whether it has
        # succeeded is a second question, because a failed opening ends in the same state, without an environment.
        self._link.request("environment_open", {})
        if not self._wait(_is_settled, OPEN_TIMEOUT_S, interrupted):
            raise QueueServerError(
                f"The queue server's environment did not open within {OPEN_TIMEOUT_S:g} s. "
                f"Check the beamline with `trxas doctor`, then start serving again."
            )
        if not self.status()["worker_environment_exists"] and not interrupted():
            raise QueueServerError(
                "The queue server's environment did not open. Usually the beamline does not answer: check it "
                "with `trxas doctor`."
            )

    def end(self) -> None:
        """Abort the running plan, which closes its run and blocks the laser, and close the environment.

        Raises ServerSilentError or RefusedError if the server does not do so; then only force is left.
        """
        try:
            # The order: no plan runs any more, so that its run is closed and the laser blocked; then the environment,
            # whose session writes what is left into the catalogue and gives up the beamline; then the manager. Killed
            # in another order, a run would stay open, and the next session would have to close it as interrupted.
            self._abort()
            if self.status()["worker_environment_exists"]:
                self._link.request("environment_close", {})
                self._wait(lambda status: not status["worker_environment_exists"], END_TIMEOUT_S)
            self._link.request("manager_stop", {"option": "safe_off"})
        finally:
            self._link.close()

    def _abort(self) -> None:
        """Pause and abort the running plan; a request refused between two states of the server is repeated."""
        # States: executing_queue -(re_pause)-> pausing -> paused -(re_abort)-> aborting -> idle. A request is made once
        # per state and again after `_AGAIN_S`, because the plan may end or a window may resume it in between.
        deadline = time.monotonic() + END_TIMEOUT_S
        asked = ""
        again_s = 0.0
        while (state := str(self.status()["manager_state"])) in _TO_END and time.monotonic() < deadline:
            if state != asked or time.monotonic() > again_s:
                asked = state
                again_s = time.monotonic() + _AGAIN_S
                with contextlib.suppress(RefusedError):
                    self._link.request(*_TO_END[state])
            time.sleep(_POLL_S)
        self._wait(lambda status: status["manager_state"] == "idle", END_TIMEOUT_S)

    def _wait(
        self,
        reached: Callable[[Mapping[str, Any]], bool],
        timeout_s: float,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Return whether `reached` is true of the status within `timeout_s`; an interrupted wait returns True."""
        return wait_until(lambda: interrupted() or reached(self.status()), timeout_s=timeout_s, poll_s=_POLL_S)


def _is_settled(status: Mapping[str, Any]) -> bool:
    return bool(status["manager_state"] == "idle")


def _answers(link: ZmqManagerLink) -> bool:
    try:
        return bool(link.request("status", {}))
    except (ServerSilentError, RefusedError):
        return False


def _options(configuration: Configuration) -> dict[str, str]:
    epics = configuration.beamline.epics
    return {
        "path": str(configuration.path.resolve()),
        "address_list": epics.address_list,
        "prefix": epics.prefix,
        "data": str(configuration.storage.root.resolve()),
    }
