"""Docks of the window besides its panels: the browser of stored runs, and the control of session and queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devices.configuration import BeamlineConfiguration
from gui.browser.browser import RunBrowser
from gui.control.control_panel import ControlPanel
from gui.control.forecast import BeamStatistics
from gui.control.manager_link import ServerAddress, ZmqManagerLink
from gui.control.measured_photons import MeasuredPhotons
from gui.control.memory import FILE, PlanMemory
from gui.control.mover import Mover
from gui.control.queue_client import QueueClient
from gui.control.settings import FormSettings
from gui.docking.dock import Dock
from gui.live.feed import Feed
from gui.live.worker import LiveWorker
from plans.edges import edge_preset, suggested_edges
from processes.loopback import bypass_proxies
from storage import Store, TiledServer, open_store
from storage.documents import NamedDocument
from storage.runs import needs_catalogue
from trxas.announcements.server_file import ServeState, read_state
from trxas.announcements.session_file import read_session
from trxas.configuration import Configuration, StorageSettings
from trxas.results.measured_decays import MeasuredDecays
from trxas.window.plan_forms import PlanExposures, edge_outlines, known_plans, plan_limits

PHOTONS_PER_PULSE = 0.12
"""Photons that both photodiodes see per X-ray pulse at the main peak of the Br K edge (docs, Detection)."""

DELAY_PS = 100.0
"""Delay that forms start with at first: that of the most frequent scan."""

MAP_OFFSETS_EV = (-10.0, -6.0, -3.0, 0.0, 3.0, 6.0)
"""Energies that the form of a map starts with, from the main feature of the first edge, eV."""

MAP_DELAYS_PS = (-400.0, -200.0, 50.0, 150.0, 500.0, 2000.0)
"""Delays that the form of a map starts with: two before the pump, which compare the gates, and some of the kinetics."""


def control_system(configuration: Configuration, given: str | None) -> Callable[[], str | None]:
    """Return a function for the address list of the control system: `given`, or that of the folder's server."""
    root = configuration.storage.root.resolve()

    def addresses() -> str | None:
        if given is not None:
            return given
        state = read_state(root)
        return None if state is None else state.epics

    return addresses


class BrowserAndControlDocks:
    """Docks for stored runs and for control; `close` ends their threads and connections.

    `find_decay` looks among the stored runs for the decay that corrects a run; `move` asks whether to move an axis.
    """

    def __init__(self, configuration: Configuration, feed: Feed) -> None:
        self._configuration = configuration
        self._feed = feed
        self._stores = CurrentStore(configuration.storage)
        self.find_decay = MeasuredDecays(self._stores)
        self._closing: list[Callable[[], object]] = []
        self._mover: Mover | None = None

    def docks(self, worker: LiveWorker) -> Sequence[Dock]:
        """Return both docks; a queue server or a session that starts later is found."""
        # The order is that of the end, too: the browser stops reading before its stores are closed, and the clients of
        # queue and session stop polling. All of it is closed after the window has stopped its worker.
        browser = RunBrowser(self._stores, worker, self._feed)
        browser.files.draw_with(_write_figure)
        self._closing += [browser.close_jobs, self._stores.close]
        root = self._configuration.storage.root.resolve()
        queue = QueueClient(
            ZmqManagerLink(lambda: _queue_server(root)), known=known_plans(self._configuration.beamline)
        )
        session = QueueClient(ZmqManagerLink(lambda: session_server(root), name="session", command="trxas ipython"))
        for client in (queue, session):
            self._closing.append(client.stop)
            client.start()
        memory = PlanMemory(root / FILE)
        control = ControlPanel(queue, form_settings(self._configuration.beamline), session, memory=memory)
        self._mover = control.mover
        control.run_chosen.connect(browser.select_run)
        browser.settings_chosen.connect(control.measure_again)
        self._photons = MeasuredPhotons(worker, control.set_photons_per_pulse, parent=control)
        return [
            Dock(key="browser", title="Runs", widget=browser, side="right", group="curves"),
            Dock(key="control", title="Control", widget=control, side="left", group="control"),
        ]

    def move(self, axis: str, value: float) -> None:
        """Ask whether to move `axis`, an event field, to `value`, in its unit; before `docks` is called, do nothing."""
        if self._mover is not None:
            self._mover.ask(axis, value)

    def close(self) -> None:
        """Stop reading and polling. May be called twice."""
        while self._closing:
            self._closing.pop(0)()


class CurrentStore:
    """The stored runs of a data folder, read through the folder's server while there is one.

    Calling it returns the store to read from at the moment; a server that starts later, or again with another key, is
    found.
    """

    def __init__(self, storage: StorageSettings) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        # Earlier stores may be in use by another thread: they are closed at the end.
        self._opened: list[tuple[tuple[str, str], Store]] = []

    def __call__(self) -> Store:
        """Return the store to read from at this moment; raises StorageError if it cannot be opened."""
        # Called in threads of the browser, with every list. How the runs are reached changes when a server starts or
        # ends: its catalogue must be read through it, as two processes on one database would wait for each other. A
        # store that was opened before may be in use by another thread at this moment; it is closed at the end.
        state = read_state(self._storage.root.resolve())
        way = (state.tiled, state.tiled_key) if state is not None else ("", "")
        with self._lock:
            if not self._opened or self._opened[-1][0] != way:
                self._opened.append((way, _open_store(self._storage, state)))
            return self._opened[-1][1]

    def needs_catalogue(self) -> bool:
        """Return whether a list of all runs needs the catalogue; raises StorageError as a call does."""
        return needs_catalogue(self())

    def close(self) -> None:
        """Close every store that was opened."""
        with self._lock:
            for _, store in self._opened:
                store.close()
            self._opened.clear()


def form_settings(beamline: BeamlineConfiguration) -> FormSettings:
    """Return the limits of the plans' parameters by name, and the beam statistics that the forecast needs.

    Limits are in the units of the parameters; the pulses of one probe are counted per s.
    """
    beam = BeamStatistics(
        photons_per_pulse=PHOTONS_PER_PULSE,
        source=f"{PHOTONS_PER_PULSE:g} photons per pulse at the main peak of the Br K edge",
        pulses_per_s=beamline.scheme.pumps_per_s,
        photodiodes=beamline.exposure.apds,
    )
    return FormSettings(
        limits=plan_limits(beamline),
        presets=form_presets(beamline),
        beam=beam,
        exposures=PlanExposures(beamline),
        outline=edge_outlines(beamline),
    )


def form_presets(beamline: BeamlineConfiguration) -> dict[str, Any]:
    """Return the values that required fields start with: an edge, a delay, and a small map over eV and ps."""
    presets: dict[str, Any] = {"delay_ps": DELAY_PS}
    name = next(iter(suggested_edges(beamline)), "")
    if not name:
        return presets
    feature_ev = edge_preset(name, beamline).main_feature_ev
    energies_ev = [feature_ev + offset_ev for offset_ev in MAP_OFFSETS_EV]
    return presets | {"edge": name, "slow_points": energies_ev, "fast_points": list(MAP_DELAYS_PS)}


def _write_figure(folder: Path, name: str, documents: Sequence[NamedDocument]) -> str:
    """Draw a run as reports and bundles do; imported when it is used, as matplotlib takes seconds."""
    from trxas.results.bundle import write_figure

    return write_figure(folder, name, documents)


def _queue_server(root: Path) -> ServerAddress | None:
    state = read_state(root)
    return ServerAddress(state.queue_control, state.queue_key) if state is not None and state.queue_control else None


def session_server(root: Path) -> ServerAddress | None:
    """Return where the session of the data folder `root` listens; None if there is none."""
    session = read_session(root)
    return None if session is None else ServerAddress(session.address, session.public_key)


def _open_store(storage: StorageSettings, state: ServeState | None) -> Store:
    """Open the catalogue through the folder's server if there is one: two processes on one file would wait."""
    if state is not None and state.tiled:
        # The folder's own server is asked directly, also at another address than loopback.
        bypass_proxies(urlsplit(state.tiled).hostname or "")
        server = TiledServer(uri=state.tiled, api_key=state.tiled_key, is_shared=bool(storage.uri))
        return open_store(storage.root, server=server, recover_runs=False)
    return open_store(storage.root, server=storage.server, recover_runs=False)
