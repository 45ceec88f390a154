"""A session: the beamline connected, the store open, and a RunEngine that writes everything down."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bluesky import RunEngine
from bluesky.utils import Msg, RunEngineInterrupted

import plans
from broadcast.publisher import Publisher
from devices.beamline import Beamline, build_beamline
from storage import Store, open_store, require_free_space
from trxas import channel_access
from trxas.calibrations import Calibrations, calibration_file
from trxas.configuration import Configuration, StorageSettings
from trxas.live import LiveRun
from trxas.publishing import publish

Plan = Generator[Msg, Any, Any]

SCANS = (
    *("energy_scan", "delay_scan", "fluence_scan", "foil_scan", "time_zero_scan", "overlap_scan"),
    *("delay_self_test", "rezero", "calibrate_attenuator", "apply_energy_calibration"),
    *("static_energy_scan", "diffraction", "temperature_series"),
)
"""Plans a session offers without their first argument, the beamline."""


@dataclass
class Session:
    """What a scientist works with: `run_engine`, `beamline`, `store`, `calibrations`, and the latest run in `live`."""

    configuration: Configuration
    beamline: Beamline
    store: Store
    run_engine: RunEngine
    calibrations: Calibrations
    publisher: Publisher
    live: LiveRun = field(default_factory=LiveRun)

    def plans(self) -> dict[str, Callable[..., Plan]]:
        """The scans of this beamline by name, ready for `RE(...)`."""
        return {name: bind(getattr(plans, name), self.beamline) for name in SCANS}

    def measure(self, plan: Plan) -> str:
        """Run a plan that makes one run, unattended; returns the run's uid.

        Ctrl-C ends it: the run is closed as aborted, the laser is blocked, and KeyboardInterrupt is raised.
        """
        try:
            (uid,) = self.run_engine(plan)  # type: ignore[misc]  # a tuple of uids, as the engine is made here
        except RunEngineInterrupted as error:
            self.run_engine.abort("interrupted by the user")
            raise KeyboardInterrupt from error
        return str(uid)

    def close(self) -> None:
        """Finish writing; raises StorageError if a run did not reach the catalogue."""
        self.publisher.close()
        self.store.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load_libraries() -> None:
    """Import what opening a session needs; takes seconds, and can be done while something else starts."""
    importlib.import_module("storage.catalogue")


def open_session(configuration: Configuration) -> Session:
    """Connect the beamline, open the store, and join both in a RunEngine.

    The calibrations of the last session hold. Raises NotConnectedError with every PV that does not answer, StorageError
    if the data folder or its calibrations cannot be used.
    """
    channel_access.prepare(configuration.beamline.epics)
    beamline = build_beamline(configuration.beamline)
    beamline.connect()
    calibrations = Calibrations(beamline, calibration_file(configuration))
    calibrations.restore()
    store = open_configured_store(configuration)
    run_engine = RunEngine({"beamline": configuration.beamline.name})
    # The journal comes first: a document is on disk before anybody else hears of it.
    store.subscribe(run_engine)
    publisher = publish(run_engine, configuration.storage.root.resolve())
    if beamline.pilatus is not None and not beamline.pilatus.settings.folder:
        store.images.mkdir(exist_ok=True)
        beamline.pilatus.write_to(store.images)
    session = Session(configuration, beamline, store, run_engine, calibrations, publisher)
    run_engine.subscribe(session.live)
    run_engine.subscribe(calibrations)
    run_engine.preprocessors.append(calibrations.keeping)
    run_engine.preprocessors.append(functools.partial(with_free_space, storage=configuration.storage))
    return session


def open_configured_store(configuration: Configuration, *, recover_runs: bool = True) -> Store:
    """Open the store where the configuration puts it; with `recover_runs` dead processes' runs are mended first."""
    storage, pilatus = configuration.storage, configuration.beamline.pilatus
    return open_store(
        storage.root,
        uri=storage.uri or None,
        api_key=os.environ.get(storage.api_key_variable),
        images=Path(pilatus.folder) if pilatus is not None and pilatus.folder else None,
        recover_runs=recover_runs,
    )


def with_free_space(plan: Plan, *, storage: StorageSettings) -> Plan:
    """`plan`, unless the disk is too full to begin: then StorageError, before the first message."""
    require_free_space(storage.root, storage.minimum_free_mb * 1_000_000)
    return (yield from plan)


def bind(plan: Callable[..., Plan], beamline: Beamline) -> Callable[..., Plan]:
    """`plan` without its first parameter, the beamline; signature and docstring are kept for tab completion."""

    @functools.wraps(plan)
    def bound(*args: Any, **kwargs: Any) -> Plan:
        return (yield from plan(beamline, *args, **kwargs))

    signature = inspect.signature(plan)
    others = list(signature.parameters.values())[1:]
    bound.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]  # read by inspect
    return bound
