"""Time that a stored event costs, and the time to read a run back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import numpy as np
from bluesky import RunEngine
from event_model import compose_run

from storage import Store, load_run, open_store
from trxas.benchmarks.entry import Entries, Entry

EVENTS = 50
BURST_EVENTS = 600
OPENING_EVENTS = 10
"""First events of a run, which are not counted: in them the stream is declared and the catalogue opens the run."""

EXPOSURE_S = 0.01
"""Exposure, s: the shortest one of the benchmark of steps."""

STORED_EVENTS = 10_000
REPETITIONS = 3
PAIRS = 8
"""Pairs of runs in a repetition, stored and bare in turn: a shared processor changes its speed within a second."""

READS = 5
"""Reads of the long run, of which the medians count."""

Seconds = float


def bench_storing(folder: Path) -> Entries:
    """Measure storage in the new folder `folder`: events in ms, reading 10 000 of them in s.

    `store_ratio`: time from the creation of an event until the RunEngine continues, over that of an event which nobody
    stores, after exposures of 10 ms. `store_burst_ratio`: the same without exposures, where each event waits until the
    previous one is on disk. Both are means over all events of a run but the first ten, so what an event waits for other
    threads and for the disk is included; what belongs to a run is not: its opening and, at its end, the catalogue. The
    runs are shorter than the 10 s after which a longer one writes its events into the catalogue. Runs take turns, and
    the next one begins when the catalogue has the run before. One run of each kind, which imports what is imported
    late, goes before all that are measured.
    """
    with open_store(folder / "events") as store:
        cost = _EventCost(store)
        paced = cost.entry(EVENTS, EXPOSURE_S)
        burst = cost.entry(BURST_EVENTS, 0.0)
    return {
        "store_ratio": paced,
        "store_burst_ratio": burst,
        "read_back_ratio": _read_back(folder / "read-back"),
    }


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


class _EventCost:
    """Time of the RunEngine's thread per event, with a store and without one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bare = RunEngine({})
        self._storing = RunEngine({})
        store.subscribe(self._storing)
        self._pair(EVENTS, EXPOSURE_S)

    def entry(self, events: int, exposure_s: Seconds) -> Entry:
        """Return the time of an event, ms, in runs with `events` that count, each after a pause of `exposure_s`."""
        repetitions = [[self._pair(events, exposure_s) for _ in range(PAIRS)] for _ in range(REPETITIONS)]
        stored, bare = np.mean(repetitions, axis=1).T.tolist()
        return Entry.of(stored, bare, "ms")

    def _pair(self, events: int, exposure_s: Seconds) -> tuple[float, float]:
        """Return the times of an event that is stored and of one that nobody stores, ms."""
        stored = self._per_event_ms(self._storing, events, exposure_s)
        # The catalogue is written by another thread, which would slow the baseline too.
        self._store.wait(600)
        return stored, self._per_event_ms(self._bare, events, exposure_s)

    @staticmethod
    def _per_event_ms(engine: RunEngine, events: int, exposure_s: Seconds) -> float:
        taken: list[Seconds] = []
        readable = _Event()

        def run() -> Any:
            yield from bps.open_run()
            for _ in range(OPENING_EVENTS + events):
                # Writing goes on in the background while the next exposure counts. A pause as long as an exposure gives
                # it that time.
                time.sleep(exposure_s)
                begin = time.perf_counter()
                yield from bps.create("primary")
                yield from bps.read(readable)
                yield from bps.save()
                taken.append(time.perf_counter() - begin)
            yield from bps.close_run()

        engine(run())
        return 1e3 * float(np.mean(taken[OPENING_EVENTS:]))


def _read_back(folder: Path) -> Entry:
    """Compare times to read a run of 10 000 events again, s, through databroker and from its journal."""
    through_databroker = []
    from_journal = []
    with open_store(folder) as store:
        uid = _store_run(store)
        # The first read of a process imports xarray, which is no matter of reading.
        store.db.v2[uid].primary.read()
        for _ in range(READS):
            # Both ways in turn: a machine that is busy for a while slows both alike.
            begin = time.perf_counter()
            data = store.db.v2[uid].primary.read()
            through_databroker.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            documents = load_run(store, uid)
            from_journal.append(time.perf_counter() - begin)
    assert len(data["scalar_0"]) == STORED_EVENTS
    assert len(documents) >= STORED_EVENTS
    return Entry.of(through_databroker, from_journal, "s")


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
