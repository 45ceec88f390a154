"""All measurements of the window in one run."""

from __future__ import annotations

from pathlib import Path

from gui.application import make_application
from trxas.benchmarks.entry import Entries, Entry
from trxas.benchmarks.window.frames import NaiveContent, WindowContent, frames_per_second
from trxas.benchmarks.window.latency import WindowUnderTest
from trxas.benchmarks.window.measuring_beside import session_that_measures
from trxas.benchmarks.window.offscreen import without_size_hints
from trxas.benchmarks.window.synthetic_run import write_images

SLOW_PER_S = 20.0
FAST_PER_S = 200.0
"""Rates of events, 1/s."""

REPETITIONS = 3


def bench_window(folder: Path, seconds: float) -> Entries:
    """Measure each quantity for `seconds`, with data in `folder`.

    `window_frame_ratio`: forced repaints, 1/s, of four plots of ten scans over 300 points with error bars, new data in
    each frame, and an image at 10 Hz; the baseline is the same content with plain pyqtgraph. `window_latency_*`: from
    an event in the feed to the end of the paint event that shows it, in the real window, at 200 events/s; the baseline
    is the same at 20 events/s. `window_latency_loaded_p99_ms`: the same at 200 events/s while a session measures 20
    exposures/s on a simulated beamline, on the same computer; the baseline is without them. `window_cpu_share`: of one
    core, likewise. `window_memory_mb`: after 10 000 events; the baseline is before them.
    """
    with without_size_hints():
        return _measured(folder, seconds)


def _measured(folder: Path, seconds: float) -> Entries:
    application = make_application()
    ours = []
    plain = []
    for _ in range(REPETITIONS):
        # In turn with plain pyqtgraph: a machine that is busy for a while slows both alike.
        ours.append(frames_per_second(application, WindowContent, seconds / REPETITIONS))
        plain.append(frames_per_second(application, NaiveContent, seconds / REPETITIONS))
    images = folder / "images.h5"
    write_images(images)
    with WindowUnderTest(folder, images) as window:
        slow = window.latency(SLOW_PER_S, seconds)
        fast = window.latency(FAST_PER_S, seconds)
        with session_that_measures():
            loaded = window.latency(FAST_PER_S, seconds)
        start_mb, end_mb = window.memory()
    return {
        "window_frame_ratio": Entry.of(ours, plain, "1/s"),
        "window_latency_median_ms": Entry.of([fast.median_ms], [slow.median_ms], "ms"),
        "window_latency_p99_ms": Entry.of([fast.p99_ms], [slow.p99_ms], "ms"),
        "window_latency_loaded_p99_ms": Entry.of([loaded.p99_ms], [fast.p99_ms], "ms"),
        "window_cpu_share": Entry.of([fast.cpu_share], [slow.cpu_share], "1"),
        "window_memory_mb": Entry.of([end_mb], [start_mb], "MB"),
    }
