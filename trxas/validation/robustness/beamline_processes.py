"""The processes of a working beamline: IOC, session, server and window, on one data folder."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from errors import ConfigurationError
from processes.child import ChildProgram
from processes.restartable import RestartableChild
from processes.waiting import wait_until
from trxas.configuration import load_configuration
from trxas.simulation import READY, simulation_command
from trxas.validation.robustness.exposure_truth import LOG_NAME
from trxas.validation.robustness.kill_schedule import IOC, SERVER, SESSION, WINDOW, WRITER
from trxas.validation.robustness.measuring_child import ChildMeasurement, MeasuringChild
from trxas.validation.robustness.session_kind import SessionKind

POLL_S = 0.02

CLI = (sys.executable, "-m", "trxas.commands.main", "--stop-with-stdin")

SERVER_READY = re.compile("trxas serve ready")
WINDOW_READY = re.compile("Window on")


class BeamlineProcesses:
    """Starts, kills and stops the processes; the IOC first.

    The session measures at least `datasets` datasets, and continues until the file `enough` exists. `session`: how it
    is started; `screen`: its DISPLAY. `speed` is in seconds of beam per second of wall time. `restarts` of the
    simulation before its first life decide its noise, and nothing else.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        speed: float,
        datasets: int,
        session: SessionKind = SessionKind.SCRIPT,
        screen: str = "",
        restarts: int = 0,
    ) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._seed = seed
        self._restarts = restarts
        self._speed = speed
        self._datasets = datasets
        self._session_kind = session
        self._screen = screen
        self.enough = folder / "enough"
        self.exposure_log = folder / LOG_NAME
        makers = {IOC: self._ioc, SERVER: self._server, WINDOW: self._window}
        self._victims = {name: RestartableChild(make, folder / "logs" / f"{name}.log") for name, make in makers.items()}
        self._session: MeasuringChild | None = None

    def start_all(self, *names: str, timeout_s: float) -> None:
        """Start the IOC, and the others once its address is known.

        Raises ConfigurationError if the IOC is not up within `timeout_s`.
        """
        self.start(IOC)
        ioc = self._victims[IOC]
        wait_until(lambda: self.is_up(IOC) or ioc.has_ended, timeout_s=timeout_s, poll_s=POLL_S)
        if not self.is_up(IOC):
            raise ConfigurationError(f"The simulated beamline did not start. Its last output:\n{ioc.last_words()}")
        for name in names:
            self.start(name)

    @property
    def session(self) -> MeasuringChild:
        """The measuring process; it must have been started."""
        assert self._session is not None  # the condition above
        return self._session

    def is_up(self, name: str) -> bool:
        """Return whether a process works in its current life: it has measured, or has reported that it is ready."""
        if name in (SESSION, WRITER):
            return self.session.exit_code is None and self.session.has_measured
        return self._victims[name].ready is not None

    def has_worked(self, name: str) -> bool:
        """Return whether a process that has ended had been up in its last life, in the sense of `is_up`."""
        return self.session.has_measured if name in (SESSION, WRITER) else self._victims[name].ready is not None

    def start(self, name: str) -> None:
        """Start a process, or restart it; the IOC keeps its port. Raises KeyError for an unknown name."""
        if name in (SESSION, WRITER):
            self._start_session()
        else:
            self._victims[name].start()

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process. Raises KeyError for an unknown name."""
        if name in (SESSION, WRITER):
            self.session.kill()
        else:
            self._victims[name].kill()

    def ended(self) -> Iterator[tuple[str, str]]:
        """Yield the processes that ended without being killed, with the end of their output."""
        for name, victim in self._victims.items():
            if victim.has_ended:
                yield name, victim.last_words()
        if self._session is not None and self._session.exit_code not in (None, 0):
            yield SESSION, f"exit code {self._session.exit_code}\n{self._session.last_words()}"

    def written_at_ns(self) -> int:
        """Return the time of the last write to the catalogue, ns since the epoch; 0 if there is no catalogue."""
        return max((path.stat().st_mtime_ns for path in self._folder.glob("*.db")), default=0)

    def pids(self) -> dict[str, int]:
        """Return the process ids of all running processes, by name."""
        known = {name: victim.pid for name, victim in self._victims.items()}
        if self._session is not None:
            known[SESSION] = self._session.pid
        return {name: pid for name, pid in known.items() if pid is not None}

    def close(self) -> None:
        """Stop all processes, the IOC last: a server gets up to 60 s to write what is left."""
        if self._session is not None:
            self._session.close()
        for name in (WINDOW, SERVER, IOC):
            self._victims[name].close()

    def _start_session(self) -> None:
        if self._session is None:
            measurement = ChildMeasurement(
                kind=self._session_kind,
                data=self._folder,
                address_list=self._address_list,
                enough=self.enough,
                datasets=self._datasets,
                screen=self._screen,
            )
            self._session = MeasuringChild(measurement, self._folder / "logs" / "session.log")
        self._session.start()

    def _where(self) -> list[str]:
        return ["--data", str(self._folder), "--address-list", self._address_list]

    @property
    def _address_list(self) -> str:
        """The address of the IOC; it keeps its port in every life."""
        ready = self._victims[IOC].latest_ready
        return "" if ready is None else ready.group(1)

    def _ioc(self, life: int) -> ChildProgram:
        # The IOC comes back at the port of its first life, because its clients know that address and no other. Port 0,
        # any free one, is for the first life only.
        options = ["--port", self._address_list.rpartition(":")[2] or "0", "--speed", str(self._speed)]
        # The seed fixes ring and gates in every life. The noise differs: the same counts again would be taken for the
        # same exposure.
        options += ["--seed", str(self._seed), "--restarts", str(self._restarts + life - 1)]
        options += ["--exposure-log", str(self.exposure_log)]
        options += load_configuration().simulation_options
        command = simulation_command([*options, "--stop-with-stdin"])
        return ChildProgram(name=IOC, command=command, ready=READY)

    def _server(self, _life: int) -> ChildProgram:
        # Without an environment: the session under test is the one that measures, and two would fight for the beamline.
        command = [*CLI, "serve", *self._where(), "--no-environment"]
        return ChildProgram(name=SERVER, command=command, ready=SERVER_READY, stop_timeout_s=60.0)

    def _window(self, _life: int) -> ChildProgram:
        command = [*CLI, "gui", *self._where(), "--layout", str(self._folder / "window.ini")]
        screen = {"QT_QPA_PLATFORM": "offscreen"}
        return ChildProgram(name=WINDOW, command=command, ready=WINDOW_READY, environment=screen)
