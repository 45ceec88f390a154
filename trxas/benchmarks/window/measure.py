"""All measurements of the window in one run."""

from __future__ import annotations

from pathlib import Path

from gui.application import make_application
from trxas.benchmarks.window.frames import NaiveContent, WindowContent, frames_per_second
from trxas.benchmarks.window.latency import WindowUnderTest
from trxas.benchmarks.window.synthetic_run import write_images

SLOW_PER_S = 20.0
FAST_PER_S = 200.0
"""Rates of events, 1/s."""


def bench_window(folder: Path, seconds: float) -> dict[str, float]:
    """Measure each quantity for `seconds`, with data in `folder`, and return the numbers.

    `fps`: forced repaints of four plots of ten scans over 300 points with error bars, with new data in each frame, and
    an image at 10 Hz. `baseline_fps`: the same content with plain pyqtgraph. `speedup`: their ratio. `latency_*`: from
    an event in the feed to the end of the paint event that shows it, in the real window; keys without a rate, and
    `cpu_share` (of one core), are for 200 events/s. `memory_mb_start` and `memory_mb_end`: before and after 10 000
    events.
    """
    application = make_application()
    fps = frames_per_second(application, WindowContent, seconds)
    baseline_fps = frames_per_second(application, NaiveContent, seconds)
    images = folder / "images.h5"
    write_images(images)
    with WindowUnderTest(folder, images) as window:
        slow = window.latency(SLOW_PER_S, seconds)
        fast = window.latency(FAST_PER_S, seconds)
        start_mb, end_mb = window.memory()
    return {
        "fps": fps,
        "baseline_fps": baseline_fps,
        "speedup": fps / baseline_fps,
        "latency_median_ms": fast.median_ms,
        "latency_p99_ms": fast.p99_ms,
        "latency_20_median_ms": slow.median_ms,
        "latency_20_p99_ms": slow.p99_ms,
        "latency_200_median_ms": fast.median_ms,
        "latency_200_p99_ms": fast.p99_ms,
        "cpu_share": fast.cpu_share,
        "cpu_share_20": slow.cpu_share,
        "memory_mb_start": start_mb,
        "memory_mb_end": end_mb,
    }
