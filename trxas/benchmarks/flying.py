"""Fly scans of the energy: share of the time that counts, delay until a window has the counts, and their statistics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from bluesky import RunEngine

import plans
from broadcast.publisher import Publisher
from broadcast.relay import Relay
from broadcast.subscriber import Subscriber
from devices.beamline import Beamline
from reduction.events import events_of
from reduction.types import FloatArray
from reduction.xas.fly_sums import PREFIX, STREAM
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum
from trxas.benchmarks.drawn_fly_scans import LINE_EV, DrawnScans, fitted_width_ev, line
from trxas.benchmarks.drawn_runs import Draws
from trxas.benchmarks.entry import Entries, Entry

SEEDS = 20

REGION_EV = (13_450.0, 13_570.0, 0.5)
"""The range of the paper at the Br edge, in the finest of its steps: 24 s a sweep."""

STEPPED_EV = (13_460.0, 13_480.0, 0.5)
"""Part of it that the plan steps through, for comparison."""

BIN_S = 0.1

REPETITIONS = 2

END_WAIT_S = 5.0
"""Longest wait for the last documents after a run, s."""


def bench_flying(beamline: Beamline) -> Entries:
    """Measure fly scans on a connected beamline in real time, beside single steps of the same dwell.

    `fly_duty`: beam time counted in the bins over the time from the first frame to the last, turn-arounds included.
    `fly_latency_s`: from the end of a frame to its counts at a window, of 99 % of all frames.
    """
    engine = RunEngine({})
    fly = {"regions_ev": [REGION_EV], "dwell_s": BIN_S * 2, "bin_s": BIN_S, "stepping": "fly"}
    step = {"regions_ev": [STEPPED_EV], "dwell_s": BIN_S, "allow_unreducible": True}
    duties: list[list[float]] = [[], []]
    latencies: list[list[float]] = [[], []]
    for _ in range(REPETITIONS):
        for place, (options, stream, prefix) in enumerate(((fly, STREAM, PREFIX), (step, "primary", ""))):
            documents = _at_window(engine, lambda options=options: _scan(beamline, options))  # type: ignore[misc]
            seconds, ends_s, arrived_s = _counted(documents, stream, prefix)
            # The end of a frame is stamped late on a busy machine, never early. So the most punctual one shows when the
            # first frame began; what does not count only makes later frames later.
            begin_s = float(np.min(ends_s - np.cumsum(seconds)))
            duties[place].append(float(seconds.sum() / (ends_s[-1] - begin_s)))
            latencies[place].append(float(np.quantile(arrived_s - ends_s, 0.99)))
    return {
        "fly_duty": Entry.of(duties[0], duties[1], "1"),
        "fly_latency_s": Entry.of(latencies[0], latencies[1], "s"),
    }


def bench_fly_statistics(draws: Draws) -> Entries:
    """Measure drawn fly scans of known truth: chi-square against steps, backlash, and broadening.

    `fly_chi2`: chi-square per degree of freedom of the transient of a fly scan minus that of a scan in steps of the
    same beam time, over 20 seeds; the baseline is steps minus steps. `fly_backlash_pull`: scatter of the fitted
    backlash about the truth in its stated errors, against 1. `fly_broadening_ev`: broadening of a line without noise,
    beside the stated one.
    """
    scans = DrawnScans()
    chi2 = []
    null = []
    pulls = []
    for seed in draws.seeds(SEEDS):
        run = scans.fly(seed)
        fly, step, other = (spc_spectrum(one) for one in (run, scans.stepped(seed), scans.stepped(seed + 10_000)))
        chi2.append(_chi2(fly, step))
        null.append(_chi2(other, step))
        facts = run.facts
        assert facts is not None  # it has frames
        if facts.backlash_ev is not None:
            pulls.append((facts.backlash_ev.value - scans.backlash_ev) / facts.backlash_ev.sigma)
    error = float(np.sqrt(2.0 / (len(scans.energies_ev) * SEEDS)))
    mean = float(np.mean(chi2))
    plain = float(np.mean(null))
    width = float(np.sqrt(np.mean(np.square(pulls))))
    return {
        "fly_chi2": Entry(value=mean, baseline=plain, ratio=mean / plain, unit="1", spread=error),
        "fly_backlash_pull": Entry(value=width, baseline=1.0, ratio=width, unit="1", spread=(2 * len(pulls)) ** -0.5),
        "fly_broadening_ev": _broadening(),
    }


def _chi2(one: Spectrum, other: Spectrum) -> float:
    """Return chi-square per degree of freedom of the difference of two transients."""
    # The recipe makes the mean of a transient before the edge and its integral over it vanish: two constraints.
    pulls = (one.transient - other.transient) / np.hypot(one.sigma, other.sigma)
    return float(np.sum(pulls**2) / (pulls.size - 2))


def _broadening() -> Entry:
    """Return the standard deviation, eV, by which sweeps broaden a line without noise, and the stated one."""
    run = DrawnScans(level=line, noise=0, sweeps=8, points=61, first_ev=13_455.0).fly(0)
    facts = run.facts
    assert facts is not None  # it has frames
    return Entry.of([float(np.sqrt(fitted_width_ev(run) ** 2 - LINE_EV**2))], [facts.broadening_ev], "eV")


def _scan(beamline: Beamline, options: dict[str, Any]) -> Any:
    return plans.energy_scan(beamline, "Br K", delay_ps=100, sample="bench", **options)


def _at_window(engine: RunEngine, plan: Callable[[], Any]) -> list[tuple[float, str, dict[str, Any]]]:
    """Run a plan, and return its documents with the times, s since the epoch, at which a window had them."""
    found: list[tuple[float, str, dict[str, Any]]] = []
    with _relay(engine) as subscriber:
        ended = threading.Event()

        def take() -> None:
            deadline_s = float("inf")
            while time.monotonic() < deadline_s:
                for name, doc in subscriber.take(0.05).documents:
                    found.append((time.time(), name, dict(doc)))
                    if name == "stop":
                        return
                if ended.is_set():
                    deadline_s = min(deadline_s, time.monotonic() + END_WAIT_S)

        # The subscriber reads in a thread of its own, as a window does, because the engine keeps this one busy until
        # the end.
        taking = threading.Thread(target=take)
        taking.start()
        try:
            engine(plan())
        finally:
            ended.set()
            taking.join()
    return found


@contextmanager
def _relay(engine: RunEngine) -> Iterator[Subscriber]:
    """Yield a subscriber as a window has one, of a relay to which an engine sends its documents."""
    relay = Relay()
    running = threading.Thread(target=relay.run)
    running.start()
    publisher = Publisher(relay.addresses.publish)
    subscriber = Subscriber(relay.addresses)
    token = engine.subscribe(publisher)
    try:
        yield subscriber
    finally:
        engine.unsubscribe(token)
        publisher.close()
        subscriber.close()
        relay.stop()
        running.join()


def _counted(
    documents: list[tuple[float, str, dict[str, Any]]], stream: str, prefix: str
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return seconds, end and arrival of the good frames or exposures of a stream, (frames,) each, s."""
    streams: set[str] = set()
    rows = []
    for arrived_s, name, doc in documents:
        if name == "descriptor" and doc.get("name") == stream:
            streams.add(doc["uid"])
        for event in events_of(name, doc):
            data = event["data"]
            # Frames with a fault count for nothing, so they must not count as duty either.
            if event["descriptor"] in streams and not data[f"{prefix}quality"]:
                rows.append((data[f"{prefix}exposure_s"], event["timestamps"][f"{prefix}exposure_s"], arrived_s))
    seconds, ends_s, arrived = np.array(rows).T
    return seconds, ends_s, arrived
