"""Cost of a run as it grows: the same run with few and with many events is stored, listed, read and reduced."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reduction.kinds import RunReduction
from reduction.types import NamedDocument
from reduction.xas.results import SpectrumResults
from storage import Store, iterate_run, list_runs, open_store
from trxas.benchmarks.entry import Entries, Entry
from trxas.benchmarks.window.synthetic_run import POINTS, start_document

FEW_EVENTS = 10_000
MANY_EVENTS = 50_000
"""Events of the two runs: few enough for a benchmark of minutes. With fewer, opening a run is most of the cost."""

REPETITIONS = 3

BYTES_PER_MB = 1e6

PEDESTAL = 0.06
"""Background of the drawn spectrum, relative to its edge step."""

EDGE_EV = 13_470.0
"""Energy of the edge of the drawn spectrum, eV."""

COUNTS = 400_000
"""Counts of a photodiode per gate above the edge in one exposure."""

NOISES = 997
"""Different exposures that are drawn; they repeat after this number, a prime, so never at one point."""


def bench_scaling(folder: Path, many: int = MANY_EVENTS) -> Entries:
    """Measure a run of `many` events against one of FEW_EVENTS in new folders below `folder`.

    `scale_slope`: exponent of the processor time, s, with which the cost grows, 1 if it is linear;
    `scale_memory_ratio`: largest memory of the process, MB, until the run has been stored, listed, read and reduced.
    """
    # The small runs come first: the largest memory of a process never falls, so that of the small ones would be lost.
    few = [_cost(folder / f"few-{index}", FEW_EVENTS) for index in range(REPETITIONS)]
    large = _cost(folder / "many", many)
    # The exponent of a power law through both runs: 1 for a linear cost, whatever the numbers of their events.
    slopes = [math.log(large[0] / seconds) / math.log(many / FEW_EVENTS) for seconds, _ in few]
    seconds = float(np.median([one for one, _ in few]))
    return {
        "scale_slope": Entry(
            value=large[0],
            baseline=seconds,
            ratio=float(np.median(slopes)),
            unit="s",
            spread=(max(slopes) - min(slopes)) / 2.0,
        ),
        "scale_memory_ratio": Entry.of([large[1]], [few[-1][1]], "MB"),
    }


def _cost(folder: Path, events: int) -> tuple[float, float]:
    """Return the processor time, s, to store, list, read and reduce a run of `events`, and the largest memory, MB."""
    with open_store(folder) as store:
        # The empty catalogue is created first: that takes seconds, once in the life of a folder.
        assert len(store.catalogue.client) == 0
        begin = time.process_time()
        _store(store, events)
        stored_s = time.process_time() - begin
    with open_store(folder, recover_runs=False) as store:
        begin = time.process_time()
        (summary,) = list_runs(store, journals_only=True)
        assert summary.points_done == events
        _reduce(iterate_run(store, summary.uid))
        return stored_s + time.process_time() - begin, largest_memory_mb()


def largest_memory_mb() -> float:
    """Return the largest memory, MB, that this process has had until now."""
    # The system counts in kB, on macOS in bytes.
    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / BYTES_PER_MB


def _reduce(documents: Iterator[NamedDocument]) -> None:
    """Reduce a run as reports and windows do: all of its exposures, then its results."""
    _, start = next(documents)
    reduction = RunReduction(start)
    reduction("start", start)
    for name, doc in documents:
        reduction(name, doc)
    results = reduction.results()
    assert isinstance(results, SpectrumResults), results.remarks
    assert results.spectra, results.remarks


class _Receiver:
    """Receiver in the place of a RunEngine, which would take longer than what is measured."""

    def __init__(self) -> None:
        self.send: Callable[[str, Any], None] = lambda _name, _doc: None

    def subscribe(self, callback: Callable[[str, Any], None]) -> int:
        self.send = callback
        return 0


def _store(store: Store, events: int) -> None:
    receiver = _Receiver()
    store.subscribe(receiver)
    for name, doc in _documents(events):
        receiver.send(name, doc)
    store.wait(3600.0)


def _documents(events: int) -> Iterator[NamedDocument]:
    """Yield the documents of an energy scan of 300 points per pass, in counting mode."""
    uid = f"run-of-{events}"
    energies = np.linspace(13_450.0, 13_570.0, POINTS)
    random = np.random.default_rng(13)
    noise = random.normal(0.0, COUNTS**0.5, (NOISES, 2, 5)).astype(int)
    shape = PEDESTAL + (1.0 - PEDESTAL) / (1.0 + np.exp(-(energies - EDGE_EV)))
    data = {
        "scan_index": 0, "point_index": 0, "energy_ev": 0.0, "delay_ps": 100.0, "fluence_mj_cm2": 8.83,
        "laser_shutter": 1, "spc_counts": noise[0], "spc_pulses": np.full(5, 7_822_685), "i0": 6e6,
        "foil": 3e6, "exposure_s": 6.0, "exposure_id": 1, "ring_current_ma": 101.9, "jet_flow_ml_min": 240.0,
        "temperature_c": 24.0, "quality": "",
    }  # fmt: skip
    yield "start", {**start_document(uid, energies), "repeats": math.ceil(events / POINTS), "num_points": events}
    keys = {name: _data_key(value) for name, value in data.items()}
    described = {"configuration": {}, "hints": {}, "object_keys": {"point": list(keys)}}
    yield (
        "descriptor",
        {"uid": f"{uid}-d", "run_start": uid, "name": "primary", "time": 0.0, "data_keys": keys, **described},
    )
    stamps = dict.fromkeys(data, 0.0)
    for number in range(events):
        scan, point = divmod(number, POINTS)
        own: dict[str, Any] = {
            "scan_index": scan,
            "point_index": point,
            "energy_ev": float(energies[point]),
            "exposure_id": number + 1,
        }
        # Drawing counts as processor time of the store here, so a small table of exposures repeats.
        own["spc_counts"] = int(COUNTS * shape[point]) + noise[number % NOISES]
        yield (
            "event",
            {
                "uid": f"{uid}-{number}", "descriptor": f"{uid}-d", "seq_num": number + 1, "time": 0.1 * (number + 1),
                "data": {**data, **own}, "timestamps": stamps, "filled": {},
            },
        )  # fmt: skip
    yield (
        "stop",
        {
            "uid": f"{uid}-s", "run_start": uid, "time": 0.1 * events, "exit_status": "success",
            "num_events": {"primary": events},
        },
    )  # fmt: skip


def _data_key(value: Any) -> dict[str, Any]:
    kinds: dict[type, str] = {int: "integer", float: "number", str: "string"}
    if isinstance(value, np.ndarray):
        return {"source": "bench", "dtype": "array", "shape": list(value.shape), "dtype_numpy": value.dtype.str}
    return {"source": "bench", "dtype": kinds[type(value)], "shape": []}
