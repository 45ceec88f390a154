"""Time per step of a scan beyond its dwell: scans of a session against stock `bp.scan`, on one simulated beamline."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import bluesky.plans as bp
import numpy as np
from bluesky import RunEngine
from ophyd import Device, EpicsMotor, EpicsScaler, EpicsSignalRO

import plans
from devices.beamline import Beamline
from storage import Store, open_store
from trxas.benchmarks.entry import Entries, Entry
from trxas.session.session import Session

DWELL_S = 10.0
SPEED = 1000.0
"""10 s of beam in 10 ms of wall time: the dwell still takes time, motion at this speed almost none."""

STEPS = 100
"""Steps at both ends of a long run, and of stock beside sequences."""

SHORT_RUN = 50
"""Steps of the runs of every kind, which are measured in turn; with more, all of them take longer than 4 minutes."""

ENERGY_STEP_EV = 0.25
FIRST_EV = 13_460.0
"""Neighbouring energies of an energy scan, around the Br K edge."""

REPETITIONS = 4
LONG_RUN = 5000
"""Steps of a run that shows whether a step takes longer at the end of a long run."""

LONG_RUNS = 5
"""Such runs. Each takes a minute, in which the speed of a machine may change by half, once in a few runs."""

RELIABLE = 0.99
FEW_PULSES_S = 0.01
MANY_PULSES_S = 100.0
"""Dwells for 1e4 and 1e8 pulses per gate."""

Seconds = float
Steps = list[Seconds]
"""Time of each step of a run beyond its dwell, s."""


def bench_steps(session: Session, folder: Path, long_run: int = LONG_RUN) -> Entries:
    """Measure steps on the beamline of an open session, with runs of `long_run` steps to see a growth; times in ms.

    `step_dead_time_ratio`: steps of the delay, which is electronic, in a bare RunEngine, as those of the baseline;
    `step_dead_time_energy_ratio`: steps of the energy, whose motor has to move, against the same baseline;
    `step_dead_time_stored_ratio`: steps of the delay whose events are stored in the new folder `folder`;
    `step_dead_time_session_ratio`: the same in the session's own engine, with all that a session adds. Nothing is
    stored in the others. `step_dead_time_growth`: the last 100 steps of a long run over its first 100, each in units of
    the steps of stock beside it, as the speed of a machine may change within a minute. A run of each kind, which
    imports what is imported late, goes before all that are measured, and after a stored run the next one waits until
    the catalogue has it.
    """
    with open_store(folder) as store:
        runs = _Runs(session, store)
        kinds = (runs.delays, runs.stock, runs.stored, runs.in_session, runs.energies)
        # In turn, so that a machine that is busy for a while slows all alike.
        _, *rounds = [[1e3 * float(np.mean(kind())) for kind in kinds] for _ in range(1 + REPETITIONS)]
        typical, usual, stored, whole, energy = zip(*rounds, strict=True)
        long = [runs.long(long_run) for _ in range(LONG_RUNS)]
    return {
        "step_dead_time_ratio": Entry.of(typical, usual, "ms"),
        "step_dead_time_energy_ratio": Entry.of(energy, usual, "ms"),
        "step_dead_time_stored_ratio": Entry.of(stored, usual, "ms"),
        "step_dead_time_session_ratio": Entry.of(whole, usual, "ms"),
        "step_dead_time_p99_ratio": _slowest(long),
        "step_dead_time_growth": _growth(long),
        "counting_cost_ratio": _counting_cost(session.beamline),
    }


@dataclass(frozen=True, kw_only=True)
class _LongRun:
    """Steps of a long run; `before` and `after` are those of stock at its two ends."""

    before: Steps
    steps: Steps
    after: Steps


class _Runs:
    """The runs of the benchmark; each method makes one and returns the time of each of its steps beyond the dwell."""

    def __init__(self, session: Session, store: Store) -> None:
        self._session = session
        self._beamline = session.beamline
        self._store = store
        self._engine = RunEngine({})
        self._storing = RunEngine({})
        store.subscribe(self._storing)
        prefix = self._beamline.configuration.epics.prefix
        self._scaler, self._motor = _stock(prefix, self._beamline.point.describe())

    def delays(self, steps: int = SHORT_RUN) -> Steps:
        """Step the delay in a bare engine."""
        return self._stepped(self._engine, steps)

    def long(self, steps: int) -> _LongRun:
        """Step the delay in a bare engine, between two runs of stock."""
        return _LongRun(before=self.stock(), steps=self.delays(steps), after=self.stock())

    def stock(self) -> Steps:
        """Step a motor by stock `bp.scan`."""
        plan = bp.scan([*self._scaler], self._motor, 10, 10.5, SHORT_RUN)
        return _steps(self._engine, plan, self._scaler[0])

    def stored(self) -> Steps:
        """Step the delay, and store every event."""
        found = self._stepped(self._storing, SHORT_RUN)
        # Another thread writes the catalogue after the end of a run, which would slow the next one.
        self._store.wait(600)
        return found

    def in_session(self) -> Steps:
        """Step the delay as a user does."""
        found = self._stepped(self._session.run_engine, SHORT_RUN)
        self._session.store.wait(600)
        return found

    def energies(self) -> Steps:
        """Step the energy in a bare engine."""
        last_ev = FIRST_EV + (SHORT_RUN - 1) * ENERGY_STEP_EV
        regions = [(FIRST_EV, last_ev, ENERGY_STEP_EV)]
        options: dict[str, Any] = {"delay_ps": 100, "dwell_s": DWELL_S, "allow_unreducible": True}
        plan = plans.energy_scan(self._beamline, "Br K", regions_ev=regions, **options)
        return _steps(self._engine, plan, self._beamline.exposure)

    def _stepped(self, engine: RunEngine, steps: int) -> Steps:
        delays = np.linspace(-500, 500, steps).tolist()
        plan = plans.delay_scan(self._beamline, "Br K", delays_ps=delays, dwell_s=DWELL_S, repeats=1)
        return _steps(engine, plan, self._beamline.exposure)


def _slowest(long: Sequence[_LongRun]) -> Entry:
    """Compare the slowest step in a hundred with the median, in parts of each long run."""
    # Of a hundred steps it would be the slowest of all. A scan of thousands waits for every one of them.
    parts = [part for run in long for part in np.array_split(run.steps, REPETITIONS)]
    late = [1e3 * float(np.quantile(part, RELIABLE)) for part in parts]
    return Entry.of(late, [1e3 * float(np.median(part)) for part in parts], "ms")


def _growth(long: Sequence[_LongRun]) -> Entry:
    """Compare the last 100 steps of each long run with its first 100, both over the steps of stock at that time."""
    first = [median(run.steps[:STEPS]) / median(run.before) for run in long]
    last = [median(run.steps[-STEPS:]) / median(run.after) for run in long]
    return Entry.of(last, first, "of a step of stock")


def _stock(prefix: str, fields: dict[str, Any]) -> tuple[list[Device], EpicsMotor]:
    scaler = EpicsScaler(f"{prefix}7idd:scaler1", name="scaler")
    scaler.read_attrs = ["time", "channels.chan2", "channels.chan3"]
    channels = [f"{prefix}amofg1a:scaler1.S{number}" for number in (9, 10, *range(17, 27))]
    others = [*channels, *(f"{prefix}7idb:userCalc{number}" for number in (11, 12, 13, 14))]
    # As many fields as a point of trxas has; read-back and setpoint of the motor are two of them.
    signals = [EpicsSignalRO(pv, name=pv.replace(":", "_").replace(".", "_")) for pv in others[: len(fields) - 5]]
    motor = EpicsMotor(f"{prefix}7idd:m21", name="plate")
    for device in (scaler, *signals, motor):
        device.wait_for_connection(timeout=10)
    scaler.preset_time.put(DWELL_S, wait=True)
    return [scaler, *signals], motor


def _steps(engine: RunEngine, plan: Any, detector: Any, dwell_s: Seconds = DWELL_S / SPEED) -> Steps:
    # The time from one exposure to the next, not that of the whole run: opening and closing a run belongs to no step.
    # The dwell is subtracted; what is left is motion, reading and the engine. An event may be stored at any time during
    # the next exposure, so the triggers are timed, unless an exposure was repeated.
    events: list[Seconds] = []
    token = engine.subscribe(lambda _name, _doc: events.append(time.perf_counter()), "event")
    with _timed_triggers(detector) as triggers:
        engine(plan)
    engine.unsubscribe(token)
    marks = triggers if len(triggers) == len(events) else events
    return [float(step) - dwell_s for step in np.diff(marks)]


@contextlib.contextmanager
def _timed_triggers(detector: Any) -> Iterator[list[Seconds]]:
    """Yield the times at which `detector` has been triggered, s, which become more meanwhile."""
    times: list[Seconds] = []
    trigger = detector.trigger

    def timed() -> Any:
        status = trigger()
        times.append(time.perf_counter())
        return status

    detector.trigger = timed
    try:
        yield times
    finally:
        del detector.trigger


def _counting_cost(beamline: Beamline) -> Entry:
    """Compare the wall time of an exposure beyond its dwell for 1e8 and 1e4 pulses per gate, ms."""
    many: Steps = []
    few: Steps = []
    for _ in range(REPETITIONS):
        many.append(1e3 * _exposure_s(beamline, MANY_PULSES_S))
        few.append(1e3 * _exposure_s(beamline, FEW_PULSES_S))
    return Entry.of(many, few, "ms")


def _exposure_s(beamline: Beamline, dwell_s: float) -> Seconds:
    # Without the engine and its messages: what is left beyond the dwell is the cost of counting itself, which must not
    # grow with the number of pulses.
    beamline.exposure.prepare(dwell_s)
    times = []
    for _ in range(6):
        begin = time.perf_counter()
        beamline.exposure.trigger().wait(timeout=30)
        times.append(time.perf_counter() - begin - dwell_s / SPEED)
    return median(times)
