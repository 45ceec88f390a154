"""Fly frames at 1 kHz at a window: how fast they are reduced, and how much memory each one needs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import psutil

from gui.live.run_state import RunState
from reduction.xas.fly_sums import FlyAccumulator
from trxas.benchmarks.drawn_fly_scans import DrawnScans, page_of_frames
from trxas.benchmarks.entry import Entries, Entry

FRAMES_PER_S = 1000

PAGE = 100
"""Frames in an event page: those of 0.1 s."""

SWEEP_S = 24.0
"""Duration of a sweep, s: that of the paper's range of 120 eV in bins of 0.1 s."""

FRAMES = 3_600_000
"""Frames of the benchmark: an hour at 1 kHz."""

REPETITIONS = 2

POINTS = DrawnScans().points

Pages = list[dict[str, Any]]
"""Pages of events, the frames of a sweep."""

WANTED_SPEED = 20.0
"""Beam time that one core must reduce in the same time."""

WANTED_BYTES = 1e9 / (10 * 3600 * FRAMES_PER_S)
"""Memory for each frame, bytes, that fills 1 GB in 10 hours."""


def bench_fast_frames(frames: int = FRAMES) -> Entries:
    """Measure fly scans in frames of 1 ms, as the state of a window reduces them live.

    `frames_live_speed`: beam time over the processor time that reduces it, against the 20 that are wanted;
    `frames_live_bytes`: growth of the memory of the process per frame, from the first pair of sweeps on, against that
    of 1 GB in 10 hours.
    """
    scans = DrawnScans(total_s=SWEEP_S / POINTS, sweeps=1, frames=round(SWEEP_S * FRAMES_PER_S / POINTS))
    sweeps = [_pages(scans, number) for number in range(2)]
    found = [_measured(scans, sweeps, frames) for _ in range(REPETITIONS)]
    return {
        "frames_live_speed": Entry.of([speed for speed, _ in found], [WANTED_SPEED] * REPETITIONS, "1"),
        "frames_live_bytes": Entry.of([size for _, size in found], [WANTED_BYTES] * REPETITIONS, "bytes"),
    }


def _measured(scans: DrawnScans, sweeps: list[Pages], frames: int) -> tuple[float, float]:
    """Return beam time over processor time, and the growth of the memory per frame, bytes."""
    per_pair = sum(len(page["seq_num"]) for pages in sweeps for page in pages)
    # Two sweeps, up and down, are drawn once and repeated: drawing is not part of the measurement.
    pairs = max(frames // per_pair, 2)
    state = RunState()
    start = replace(scans, sweeps=2 * pairs, total_s=scans.total_s * 2 * pairs).fly_start()
    state("start", start)
    state("descriptor", {"uid": "f", "run_start": start["uid"], "name": "frames"})
    process = psutil.Process()
    at_first = 0
    begin_s = time.process_time()
    for pair in range(pairs):
        for page in itertools.chain(*(_moved(pages, 2 * pair + way) for way, pages in enumerate(sweeps))):
            state("event_page", page)
        # Arrays and imports of the first pair are needed once, however long the run is; growth counts from there on.
        if pair == 0:
            at_first = process.memory_info().rss
    spent_s = time.process_time() - begin_s
    grown = process.memory_info().rss - at_first
    facts = state.sums_of(FlyAccumulator).facts
    assert facts is not None
    assert facts.frames == pairs * per_pair
    return pairs * per_pair / FRAMES_PER_S / spent_s, max(grown, 1) / ((pairs - 1) * per_pair)


def _pages(scans: DrawnScans, number: int) -> Pages:
    """Return the frames of a sweep up, or of one down, as pages."""
    found = scans.frames_of(np.random.default_rng(number), number)
    return [page_of_frames("f", found[first : first + PAGE], [0.0]) for first in range(0, len(found), PAGE)]


def _moved(pages: Pages, scan: int) -> Iterator[dict[str, Any]]:
    """Yield the pages of a sweep as those of another scan index."""
    for page in pages:
        yield page | {"data": page["data"] | {"frame_scan_index": [scan] * len(page["seq_num"])}}
