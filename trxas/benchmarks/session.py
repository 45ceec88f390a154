"""Speed of a session, measured in one run and given as ratios, so that different machines compare."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np
from bluesky import RunEngine
from event_model import compose_run
from ophyd import Device, EpicsMotor, EpicsScaler, EpicsSignalRO

import plans
from devices.beamline import Beamline
from storage import Store, open_store
from trxas.session.session import Session

DWELL_S = 10.0
SPEED = 1000.0
"""10 s of beam in 10 ms of wall time: the dwell still takes time, motion at this speed almost none."""

STEPS = 100
REPETITIONS = 5
STORED_EVENTS = 10_000

Seconds = float


def bench(session: Session, folder: Path) -> dict[str, Any]:
    """Return the numbers of all measurements, in ms and s and as ratios.

    `folder` takes the data of the storage measurements.
    """
    return {
        "dead_time": dead_time(session.beamline),
        "counting": counting_cost(session.beamline),
        "event_storage": event_storage(folder / "events"),
        "read_back": read_back(folder / "read-back"),
        "session_start": session_start(session, folder / "start"),
    }


def dead_time(beamline: Beamline) -> dict[str, float]:
    """Measure the time per step beyond the dwell, ms: `delay_scan` against stock `bp.scan` on the same IOC."""
    engine = RunEngine({})
    prefix = beamline.configuration.epics.prefix
    stock, motor = _stock(prefix, beamline.point.describe())
    delays = np.linspace(-500, 500, STEPS).tolist()
    trxas_s: list[Seconds] = []
    stock_s: list[Seconds] = []
    # Alternately, so that a machine that is busy for a while slows both alike; the median leaves out the repetitions in
    # which it did.
    for _ in range(REPETITIONS):
        trxas_s.append(_per_step(engine, lambda: plans.delay_scan(beamline, "Br K", delays_ps=delays, dwell_s=DWELL_S)))
        stock_s.append(_per_step(engine, lambda: bp.scan([*stock], motor, 10, 11, STEPS)))
    own = median(trxas_s)
    other = median(stock_s)
    return {
        "ours_ms": 1e3 * own,
        "stock_ms": 1e3 * other,
        "ratio": own / other,
        "dwell_ms": 1e3 * DWELL_S / SPEED,
    }


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


def _per_step(engine: RunEngine, plan: Callable[[], Any]) -> Seconds:
    # The time between two events, not that of the whole run: opening and closing a run belongs to no step. The dwell is
    # subtracted; what is left is motion, reading and the engine.
    marks: list[Seconds] = []
    token = engine.subscribe(lambda _name, _doc: marks.append(time.perf_counter()), "event")
    engine(plan())
    engine.unsubscribe(token)
    return float(np.diff(marks).mean()) - DWELL_S / SPEED


def counting_cost(beamline: Beamline) -> dict[str, float]:
    """Measure the wall time of an exposure beyond its dwell, ms, for 1e4 and 1e8 pulses per gate."""
    few = _exposure_s(beamline, 0.01)
    many = _exposure_s(beamline, 100.0)
    return {"few_pulses_ms": 1e3 * few, "many_pulses_ms": 1e3 * many, "ratio": many / few}


def _exposure_s(beamline: Beamline, dwell_s: float) -> Seconds:
    beamline.exposure.prepare(dwell_s)
    times = []
    for _ in range(30):
        begin = time.perf_counter()
        beamline.exposure.trigger().wait(timeout=30)
        times.append(time.perf_counter() - begin - dwell_s / SPEED)
    return median(times)


class _Event:
    """A readable without hardware whose event is as large as that of a point."""

    name = "point"
    parent = None

    def __init__(self) -> None:
        self._values = {
            "spc_counts": np.arange(10).reshape(2, 5), "spc_pulses": np.arange(5), "boxcar_mean": np.ones(5),
            "boxcar_variance": np.ones(5), **{f"scalar_{index}": float(index) for index in range(14)},
        }  # fmt: skip

    def read(self) -> dict[str, Any]:
        return {name: {"value": value, "timestamp": 0.0} for name, value in self._values.items()}

    def describe(self) -> dict[str, Any]:
        return {name: _data_key(value) for name, value in self._values.items()}

    def read_configuration(self) -> dict[str, Any]:
        return {}

    def describe_configuration(self) -> dict[str, Any]:
        return {}


def _data_key(value: Any) -> dict[str, Any]:
    if isinstance(value, float):
        return {"source": "bench", "dtype": "number", "shape": []}
    return {"source": "bench", "dtype": "array", "shape": list(value.shape), "dtype_numpy": value.dtype.str}


def event_storage(folder: Path) -> dict[str, float]:
    """Measure the time of the RunEngine's thread per event, ms, with a store and without one."""
    engine = RunEngine({})
    readable = _Event()

    def run(events: int) -> Any:
        yield from bps.open_run()
        for _ in range(events):
            yield from bps.create("primary")
            yield from bps.read(readable)
            yield from bps.save()
        yield from bps.close_run()

    def per_event() -> Seconds:
        begin = time.perf_counter()
        engine(run(1000))
        return (time.perf_counter() - begin) / 1000

    bare = median(per_event() for _ in range(3))
    with open_store(folder) as store:
        store.subscribe(engine)
        stored = median(per_event() for _ in range(3))
        store.wait()
    return {"bare_ms": 1e3 * bare, "stored_ms": 1e3 * stored, "added_ms": 1e3 * (stored - bare), "ratio": stored / bare}


def read_back(folder: Path) -> dict[str, float]:
    """Measure the time to read a run of 10 000 events, s, through databroker and from its journal."""
    from storage import load_run

    with open_store(folder) as store:
        uid = _store_run(store)
        begin = time.perf_counter()
        data = store.db.v2[uid].primary.read()
        databroker_s = time.perf_counter() - begin
        assert len(data["scalar_0"]) == STORED_EVENTS
        begin = time.perf_counter()
        documents = load_run(store, uid)
        journal_s = time.perf_counter() - begin
    assert len(documents) >= STORED_EVENTS
    return {
        "events": STORED_EVENTS,
        "databroker_s": databroker_s,
        "journal_s": journal_s,
        "ratio": databroker_s / journal_s,
    }


def _store_run(store: Store) -> str:
    """Send a run of many events to the subscriber of the store, as a RunEngine does, and return its uid."""
    subscribed: list[Callable[[str, Any], None]] = []

    class Engine:
        def subscribe(self, callback: Callable[[str, Any], None]) -> int:
            subscribed.append(callback)
            return 0

    store.subscribe(Engine())
    readable = _Event()
    run = compose_run(metadata={"plan_name": "bench", "scan_id": 1})
    subscribed[0]("start", run.start_doc)
    stream = run.compose_descriptor(name="primary", data_keys=readable.describe())
    subscribed[0]("descriptor", stream.descriptor_doc)
    reading = readable.read()
    for _ in range(STORED_EVENTS):
        event = stream.compose_event(
            data={name: item["value"] for name, item in reading.items()}, timestamps=dict.fromkeys(reading, 0.0)
        )
        subscribed[0]("event", event)
    subscribed[0]("stop", run.compose_stop())
    store.wait(600)
    return str(run.start_doc["uid"])


def session_start(session: Session, folder: Path) -> dict[str, float]:
    """Measure the time of a process that opens a session, s, against one that only imports its libraries."""
    epics = session.configuration.beamline.epics
    opening = (
        "from trxas.configuration import load_configuration; from trxas.session.session import open_session;"
        f"s = open_session(load_configuration({str(session.configuration.path)!r}, address_list={epics.address_list!r},"
        f" prefix={epics.prefix!r}, data={str(folder)!r}), read_only=True); s.store.db; s.close()"
    )
    _process_s(opening)
    opened = median(_process_s(opening) for _ in range(3))
    imported = median(_process_s("import bluesky, ophyd, databroker, tiled.client") for _ in range(3))
    return {"session_s": opened, "imports_s": imported, "ratio": opened / imported}


def _process_s(code: str) -> Seconds:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, stdout=subprocess.DEVNULL)  # noqa: S603
    return time.perf_counter() - begin
