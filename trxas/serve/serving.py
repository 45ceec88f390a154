"""All programs of a data folder: started in order, watched, and stopped in the reverse order."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from broadcast.relay import LOOPBACK, RelayAddresses
from errors import ConfigurationError, TrxasError
from gui.control.manager_link import ServerAddress
from processes.child import Child, ChildProgram
from trxas.announcements.server_file import ServeState, write_state
from trxas.configuration import Configuration, images_elsewhere
from trxas.serve.alert_program import alert_program
from trxas.serve.keys import Keys, keys_of
from trxas.serve.page_server import page_server
from trxas.serve.queue_server import END_TIMEOUT_S, QueueServer, queue_server
from trxas.serve.saved_queue import FILE as QUEUE_FILE
from trxas.serve.tiled_server import tiled_server
from trxas.simulation import READY as SIM_READY
from trxas.simulation import simulation_command

WATCH_S = 0.5
"""Interval between two checks that all programs run."""

RESTARTS = 3
RESTARTS_WITHIN_S = 60.0
"""A program that dies more often than this is not restarted."""

_RELAY_READY = re.compile(r"relay ready: (.*)")
_REDIS_READY = re.compile(r"redis ready: (\S+)")

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Parts to serve besides relay, queue server and catalogue.

    `simulation`: options of a simulated beamline, None without one. `environment`: open the session of the queue.
    `page`: serve the read-only page.
    """

    simulation: tuple[str, ...] | None = None
    environment: bool = True
    page: bool = False


class Serving:
    """The programs of one data folder; `run` serves until `stop` is called or a required program dies."""

    def __init__(self, configuration: Configuration, options: ServeOptions, say: Say) -> None:
        self._configuration = configuration
        self._options = options
        self._say = say
        self._root = configuration.storage.root.resolve()
        self._children: dict[str, Child] = {}
        self._deaths: dict[str, list[float]] = {}
        self._queue: QueueServer | None = None
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Make `run` stop all programs and return; may be called from a signal handler."""
        self._stopping.set()

    def run(self) -> int:
        """Serve; return the exit code. Raise ChildError if a program does not start, after stopping the others."""
        with _signals_calling(self.stop):
            try:
                also = "" if self._options.simulation is None else "simulated beamline, "
                self._say(f"Starting {also}relay, queue server and catalogue of {self._root} ...")
                state = self._start()
                if state is not None:
                    path = write_state(self._root, state)
                    # The addresses are announced first: windows can connect while the session opens.
                    self._open_environment()
                    self._say(f"trxas serve ready: {state.public()}; addresses and keys are in {path}")
                return self._watch()
            finally:
                self._stop_all()

    def _start(self) -> ServeState | None:
        """Start all programs, independent ones at the same time; return None if stopped meanwhile."""
        # Order of needs: the queue server needs Redis and the address of the beamline; its session needs relay and
        # Tiled. All that need nothing start at once, as each imports for seconds.
        simulation = self._start_simulation()
        relay = self._start_relay()
        redis = self._start_redis()
        keys = keys_of(self._root)
        tiled, tiled_address = self._start_tiled(keys)
        page, page_address = self._start_page(keys)
        alerts = self._start_alerts()
        configuration = self._reached(simulation)
        redis_address = self._said(redis) or configuration.serve.redis
        port = _free_port()
        manager = self._begin(queue_server(configuration, redis=redis_address, port=port, keys=keys))
        relay_addresses = self._said(relay)
        for child in (tiled, manager, page, alerts):
            self._said(child)
        if self._stopping.is_set():
            return None
        control = f"tcp://{LOOPBACK}:{port}"
        self._queue = QueueServer(ServerAddress(control, keys.queue_public))
        return ServeState(
            pid=os.getpid(),
            started_s=time.time(),
            relay=RelayAddresses(**json.loads(relay_addresses)),
            queue_control=control,
            queue_key=keys.queue_public,
            redis=redis_address,
            epics=configuration.beamline.epics.address_list,
            tiled=tiled_address,
            tiled_key=keys.tiled if tiled_address else "",
            page=page_address,
            page_token=keys.page if page_address else "",
        )

    def _start_simulation(self) -> Child | None:
        if self._options.simulation is None:
            return None
        command = simulation_command([*self._options.simulation, "--port", "0", "--stop-with-stdin"])
        return self._begin(ChildProgram(name="simulated beamline", command=command, ready=SIM_READY))

    def _start_relay(self) -> Child | None:
        return self._begin(relay_program(self._root, self._configuration.serve.interface))

    def _start_redis(self) -> Child | None:
        if self._configuration.serve.redis:
            return None
        command = [sys.executable, "-m", "trxas.serve.redis_stand_in", str(self._root / QUEUE_FILE)]
        return self._begin(ChildProgram(name="Redis stand-in", command=command, ready=_REDIS_READY))

    def _start_tiled(self, keys: Keys) -> tuple[Child | None, str]:
        if not self._configuration.serve.tiled or self._configuration.storage.uri:
            return None, ""
        host = self._configuration.serve.interface
        port = _free_port(host)
        images = images_elsewhere(self._configuration)
        return self._begin(tiled_server(self._root, host, port, keys.tiled, images=images)), f"http://{host}:{port}"

    def _start_page(self, keys: Keys) -> tuple[Child | None, str]:
        if not self._options.page:
            return None, ""
        port = self._configuration.serve.page_port or _free_port()
        return self._begin(page_server(self._root, port, keys.page)), f"http://{LOOPBACK}:{port}"

    def _start_alerts(self) -> Child | None:
        alerts = self._configuration.alerts
        if alerts is None or not alerts.send:
            return None
        return self._begin(alert_program(self._configuration.path, self._root))

    def _reached(self, simulation: Child | None) -> Configuration:
        """Return the configuration, with the address of the simulated beamline if there is one."""
        address_list = self._said(simulation)
        if not address_list:
            return self._configuration
        beamline = self._configuration.beamline
        epics = replace(beamline.epics, address_list=address_list)
        return replace(self._configuration, beamline=replace(beamline, epics=epics))

    def _begin(self, program: ChildProgram) -> Child | None:
        if self._stopping.is_set():
            return None
        child = self._children[program.name] = Child(program, self._log(program))
        return child

    def _said(self, child: Child | None) -> str:
        """Wait until a program is ready; return the text of its ready line, "" without one."""
        found = None if child is None else child.wait_ready(self._stopping)
        return "" if found is None else found.group(1)

    def _log(self, program: ChildProgram) -> Path:
        return self._root / "serve" / f"{program.name.replace(' ', '-').lower()}.log"

    def _open_environment(self) -> None:
        if self._queue is None or not self._options.environment:
            return
        try:
            self._queue.open_environment(self._stopping.is_set)
        except TrxasError as error:
            # The rest keeps serving; the environment can be opened from the window once the cause is removed.
            self._say(f"trxas serve: {error} See {self._children['queue server'].log}.")

    def _watch(self) -> int:
        while not self._stopping.wait(WATCH_S):
            for name, child in list(self._children.items()):
                if child.exit_code is not None:
                    self._say(f"trxas serve: the {name} ended with exit code {child.exit_code}; see {child.log}")
                    if not self._start_again(child):
                        self._say(child.last_words())
                        return 1
        return 0

    def _start_again(self, child: Child) -> bool:
        program = child.program
        # A program that may be restarted and dies once, as a relay that was killed by mistake, is restarted. One that
        # dies again and again has a cause that a restart does not remove; then everything is stopped, with its last
        # output, instead of an endless loop.
        now = time.monotonic()
        deaths = [death for death in self._deaths.get(program.name, []) if now - death < RESTARTS_WITHIN_S]
        self._deaths[program.name] = [*deaths, now]
        if not program.restarts or len(deaths) >= RESTARTS:
            return False
        child.stop()
        self._said(self._begin(program))
        self._say(f"trxas serve: the {program.name} was restarted")
        return True

    def _stop_all(self) -> None:
        """Stop the newest first: the queue server before the programs that it needs."""
        # The queue server is asked to end its plan and to close its session, which needs relay, Redis and Tiled while
        # it writes what is left. Only then are the programs stopped, in the reverse order of their start. A manager
        # that does not answer is stopped like the others, by the end of its standard input.
        manager = self._children.get("queue server")
        if self._queue is not None and manager is not None and manager.exit_code is None:
            try:
                self._queue.end()
                # Its session writes what is left into the catalogue.
                manager.wait_ended(END_TIMEOUT_S)
            except TrxasError as error:
                self._say(f"trxas serve: the queue server did not end by itself and is killed: {error}")
        for child in reversed(self._children.values()):
            child.stop()


def relay_program(root: Path, interface: str = LOOPBACK) -> ChildProgram:
    """Return the relay of the data folder `root`, on free ports of `interface`; its ready line has them as JSON.

    Raises ConfigurationError if this machine has no such address, OSError if there is no free port.
    """
    # The ports are chosen before the program is started, so that a relay that dies comes back at the addresses that
    # windows and sessions know.
    ports = [str(_free_port(interface)) for _ in range(3)]
    command = [sys.executable, "-m", "trxas.serve.relay", "--data", str(root), "--stop-with-stdin"]
    command += ["--interface", interface, "--ports", *ports]
    return ChildProgram(name="relay", command=command, ready=_RELAY_READY, restarts=True)


def _free_port(interface: str = LOOPBACK) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((interface, 0))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            raise ConfigurationError(
                f"[serve] interface = {interface!r} is not an address of this machine. `ip address` lists its "
                f"addresses."
            ) from None
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _signals_calling(stop: Callable[[], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
