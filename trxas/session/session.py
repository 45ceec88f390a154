"""A session: the beamline connected, the store open, and a RunEngine that records every document."""

from __future__ import annotations

import functools
import getpass
import importlib
import inspect
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bluesky.utils import RunEngineInterrupted

from broadcast.kafka_publisher import KafkaPublisher
from broadcast.publisher import Publisher
from devices.assembly import build_beamline
from devices.beamline import Beamline
from devices.supervision.guard import SessionGuard
from errors import ConfigurationError, HeldError
from plans.registry import plans_of
from plans.signature import signature_of
from plans.types import AnyPlan
from processes.switch_interval import switch_soon
from reduction.scipy_parts import import_scipy_parts
from reduction.types import Documents
from storage import Store, load_dataset, require_free_space
from trxas.channel_access import environment as channel_access
from trxas.configuration import Configuration, StorageSettings
from trxas.configured_store import open_configured_store
from trxas.results.live_run import LiveRun
from trxas.session.calibrations import SessionCalibrations, calibration_file
from trxas.session.count_judge import CountJudge
from trxas.session.foil_files import read_foil_files
from trxas.session.gate_calibrator import GateCalibrator
from trxas.session.listener import Listener
from trxas.session.metadata_guard import guard_metadata
from trxas.session.plan_times import PlanTimes
from trxas.session.publishing import kafka_publisher, publish
from trxas.session.remote_control import RemotelyPausableEngine
from trxas.session.run_calibrator import RunCalibrator
from trxas.session.self_test_judge import SelfTestJudge
from trxas.session.single_application import applied_once
from trxas.techniques import part_of

READ_ONLY = "This session is read-only and runs no plan. Close it, and open one without --read-only."


@dataclass(kw_only=True)
class Session:
    """The tools of a scientist: `run_engine`, `beamline`, `store`, `calibrations`, and the latest run in `live`.

    `guard` holds the beamline, None in a read-only session; `listener` answers windows, None where none may ask;
    `plan_times` predicts how long a plan takes; `kafka` publishes to a Kafka topic, None where none is configured.
    """

    configuration: Configuration
    beamline: Beamline
    store: Store
    run_engine: RemotelyPausableEngine
    calibrations: SessionCalibrations
    publisher: Publisher
    plan_times: PlanTimes
    guard: SessionGuard | None = None
    kafka: KafkaPublisher | None = None
    live: LiveRun = field(default_factory=LiveRun)
    listener: Listener | None = None

    @property
    def read_only(self) -> bool:
        """Whether plans are refused, and another session may hold the beamline."""
        return self.guard is None

    def plans(self) -> dict[str, Callable[..., AnyPlan]]:
        """Return the plans of this beamline by name, ready for `RE(...)`.

        They raise InputError for wrong arguments, naming the allowed range and unit, before anything moves.
        """
        return {
            plan.entry.name: bind(applied_once(plan, self.calibrations, self.store), self.beamline)
            for plan in plans_of(self.beamline.configuration)
        }

    def measure(self, plan: AnyPlan) -> str:
        """Run a plan that makes one run, without a prompt; return the run's uid. Raises what `measure_all` raises."""
        (uid,) = self.measure_all(plan)
        return uid

    def measure_all(self, plan: AnyPlan) -> tuple[str, ...]:
        """Run a plan that makes any number of runs, or none, without a prompt; return their uids in order.

        Ctrl-C ends the plan: its run is closed as aborted, the laser is blocked, and KeyboardInterrupt is raised.
        Raises EndedFromWindowError if a window ended the plan.
        """
        try:
            return tuple(str(uid) for uid in self.run_engine(plan))
        except RunEngineInterrupted as error:
            self.run_engine.abort("interrupted by the user")  # type: ignore[no-untyped-call]  # bluesky's
            raise KeyboardInterrupt from error

    def reset_safety(self) -> str:
        """Reset the IOC's watchdog after a trip; return its state then. First find out why it tripped.

        Raises HeldError in a read-only session, ConfigurationError if the beamline has no such guard.
        """
        if self.read_only:
            raise HeldError(READ_ONLY)
        if self.beamline.safety is None:
            raise ConfigurationError(
                f"{self.beamline.configuration.name} has no [safety] in its configuration: nothing to reset."
            )
        return self.beamline.safety.lift()

    def close(self) -> None:
        """Finish writing and release the beamline; raises StorageError if a run did not reach the catalogue."""
        # The order of the end: no requests of windows any more; no documents to them; the store, which may take seconds
        # to write what is left and may fail; at last, whatever happened, the beamline is released. Released earlier,
        # the next session could move it while this one still writes.
        if self.listener is not None:
            self.listener.close()
        self.publisher.close()
        try:
            if self.kafka is not None:
                self.kafka.close()
            self.store.close()
        finally:
            if self.guard is not None:
                self.guard.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load_libraries() -> None:
    """Import the modules that a session needs sooner or later; takes seconds, during which something else can start."""
    importlib.import_module("storage.catalogue")
    import_scipy_parts()


def open_session(configuration: Configuration, *, read_only: bool = False, listen: bool = True) -> Session:
    """Connect and claim the beamline, open the store, and connect both to a RunEngine.

    The calibrations of the last session are restored. A `read_only` session claims and writes nothing, reads
    everything and runs no plan. With `listen`, windows may pause and end the plans of the session. Raises
    NotConnectedError with every PV that does not answer, HeldError if another session holds the beamline, StorageError
    if the data folder or its calibrations cannot be used, ConfigurationError if the address list is wrong or a
    reference foil cannot be read.
    """
    # The order of the start: the environment of libca before any PV; the connection of all PVs, whose failure is
    # reported for all at once; the lock on the beamline, before anything is read that another session may change; then
    # store and engine. What fails after the lock gives the lock back: otherwise nobody could use the beamline until its
    # time-out.
    switch_soon()
    channel_access.prepare(configuration.beamline.epics)
    beamline = build_beamline(configuration.beamline)
    beamline.foils.files = read_foil_files(configuration.beamline.foils)
    beamline.connect()
    guard = None if read_only else SessionGuard(beamline, who())
    if guard is not None:
        guard.start()
    run_engine = RemotelyPausableEngine({"beamline": configuration.beamline.name})
    try:
        session = _assembled(configuration, beamline, guard, run_engine)
        if listen and guard is not None:
            session.listener = Listener(run_engine, who(), session.store.root)
    except BaseException:
        if guard is not None:
            guard.close()
        raise
    return session


def _assembled(
    configuration: Configuration, beamline: Beamline, guard: SessionGuard | None, run_engine: RemotelyPausableEngine
) -> Session:
    wanted = None if guard is None else configuration.kafka
    kafka = None if wanted is None else kafka_publisher(wanted)
    calibrations = SessionCalibrations(beamline, calibration_file(configuration))
    calibrations.restore()
    store = open_configured_store(configuration, recover_runs=guard is not None)
    if guard is not None:
        # A read-only session must not write: its folder may be an archive, or belong to a colleague.
        # The order of the recorders is that of what may be lost: journal and catalogue first, then the publisher, then
        # calibrations. Subscribers come after all of them, and their order does not matter.
        _record(run_engine, beamline, store)
    publisher = publish(run_engine, configuration.storage.root.resolve())
    if kafka is not None:
        run_engine.record_with(kafka)
    use = run_engine.time_use
    plan_times = PlanTimes(store.root, lambda: use.latest_s, lambda: use.opening_s)
    session = Session(
        configuration=configuration,
        beamline=beamline,
        store=store,
        run_engine=run_engine,
        calibrations=calibrations,
        publisher=publisher,
        plan_times=plan_times,
        guard=guard,
        kafka=kafka,
    )
    run_engine.record_with(calibrations)
    run_engine.subscribe(session.live)
    run_engine.subscribe(plan_times)
    if guard is None:
        run_engine.preprocessors.append(refused)
    guard_metadata(run_engine, configuration.beamline)
    run_engine.subscribe(SelfTestJudge(configuration.beamline))
    judge = CountJudge(functools.partial(load_dataset, store))
    run_engine.record_with(judge)
    run_engine.preprocessors.append(judge.answering)
    calibrator = _calibrator(beamline, functools.partial(load_dataset, store))
    run_engine.record_with(calibrator)
    # A preprocessor sees the messages of those before it: what the calibrator configures has to be saved.
    run_engine.preprocessors.append(calibrator.applying)
    run_engine.preprocessors.append(calibrations.saving)
    run_engine.preprocessors.append(functools.partial(with_free_space, storage=configuration.storage))
    return session


def _calibrator(beamline: Beamline, load: Callable[[str], Documents]) -> RunCalibrator:
    for technique in beamline.configuration.techniques:
        module = part_of("trxas.session", technique, "calibrator")
        calibrator: RunCalibrator | None = None if module is None else module.calibrator_of(beamline, load)
        if calibrator is not None:
            return calibrator
    return GateCalibrator(beamline, load)


def _record(run_engine: RemotelyPausableEngine, beamline: Beamline, store: Store) -> None:
    # The journal comes first: a document is written before anything else receives it.
    store.subscribe(run_engine)
    run_engine.before_plan = functools.partial(_import_slow_libraries, store)
    if beamline.pilatus is not None and not beamline.pilatus.settings.folder:
        store.images.mkdir(exist_ok=True)
        beamline.pilatus.write_to(store.images)


def _import_slow_libraries(store: Store) -> None:
    """Import what measuring needs and the start of a session left out; costs time before the first plan only."""
    store.open_ahead()
    import_scipy_parts()


def who() -> str:
    """Return the name under which this process holds the beamline, for people: user@host:process.

    The host is cut to 20 characters; it is not an identity, which the lock makes from a random number.
    """
    return f"{getpass.getuser()}@{socket.gethostname()[:20]}:{os.getpid()}"


def refused(plan: AnyPlan) -> AnyPlan:
    """Refuse a plan: raise HeldError before its first message."""
    plan.close()
    raise HeldError(READ_ONLY)
    yield  # makes this a plan


def with_free_space(plan: AnyPlan, *, storage: StorageSettings) -> AnyPlan:
    """Run `plan`, unless the disk is too full to begin: then raise StorageError before its first message."""
    require_free_space(storage.root, storage.minimum_free_mb * 1_000_000)
    return (yield from plan)


def bind(plan: Callable[..., AnyPlan], beamline: Beamline) -> Callable[..., AnyPlan]:
    """Return `plan` without its first parameter, the beamline; tab completion shows its signature and docstring.

    The defaults are those of the beamline, as forms of the queue show them, too.
    """

    @functools.wraps(plan)
    def bound(*args: Any, **kwargs: Any) -> AnyPlan:
        return (yield from plan(beamline, *args, **kwargs))

    entry = getattr(plan, "entry", None)
    configuration = getattr(beamline, "configuration", None)
    signature = inspect.signature(plan) if entry is None else signature_of(entry, configuration)
    others = list(signature.parameters.values())[1:]
    bound.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]  # read by inspect
    return bound
