"""The time from an event to its pixels in the real window during a run, and its cost in CPU and memory."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import psutil
from qtpy.QtCore import QEventLoop, QTimer

from gui.application import make_window
from gui.docking.dock import Dock
from gui.live.feed import QueueFeed
from gui.live.frame import LiveFrame
from gui.panels.xas.spectra import SpectraPanel
from gui.window import MainWindow
from reduction.types import NamedDocument
from trxas.benchmarks.window.synthetic_run import POINTS, run_documents, stop_document

IMAGES_PER_S = 10.0
MEMORY_EVENTS = 10_000
MEMORY_RATE_PER_S = 400.0
SHOWN = ("spectra", "watched", "checks", "pilatus")
"""Docks: two with two plots with error bars each, the checks, and the image, which is a tab behind the first."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds from the feed to the end of the paint event, and the share of one core that the process used."""

    median_ms: float
    p99_ms: float
    cpu_share: float
    events: int


class _WatchedSpectra(SpectraPanel):
    """The real panel, which also records when each number of events was painted."""

    title = "Spectra, watched"
    key = "watched"

    def __init__(self) -> None:
        super().__init__()
        self.choices.mode = "spc"
        self.painted: list[tuple[int, float]] = []
        self._drawn = 0
        self.transient.canvas.painted.connect(self._note)

    def draw(self, frame: LiveFrame) -> None:
        """Draw as the real panel does."""
        super().draw(frame)
        answer = frame.answer(self.request())
        self._drawn = answer.events if answer is not None and answer.value is not None else 0

    def _note(self) -> None:
        # Qt also paints without new data, for instance after a resize: only the first paint of each number of events
        # counts.
        if self._drawn and (not self.painted or self.painted[-1][0] != self._drawn):
            self.painted.append((self._drawn, time.perf_counter()))


class _Producer:
    """Producer that puts documents into the feed at a constant rate, on its own thread."""

    def __init__(self, feed: QueueFeed, documents: Iterator[NamedDocument], rate_per_s: float) -> None:
        self.put_at: list[float] = []
        self._feed = feed
        self._documents = documents
        self._period_s = 1.0 / rate_per_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def has_ended(self) -> bool:
        """Return whether all documents are in the feed."""
        return not self._thread.is_alive()

    def end(self) -> None:
        """Stop producing."""
        self._ending.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        due = time.perf_counter()
        for name, doc in self._documents:
            if name == "event":
                # From the due time and not from the last document, so that a late one does not slow down all that
                # follow.
                due += self._period_s
                if self._ending.wait(max(due - time.perf_counter(), 0.0)):
                    return
                self.put_at.append(time.perf_counter())
            self._feed.put(name, doc)


class WindowUnderTest:
    """The window with the docks of `SHOWN`, fed in this process; a context manager."""

    def __init__(self, folder: Path, images: Path) -> None:
        self.feed = QueueFeed("bench")
        self.watched = _WatchedSpectra()
        self._images = images
        self._runs = count()
        dock = Dock(key="watched", title="Spectra, watched", widget=self.watched, side="left", group="watched")
        self.window: MainWindow = make_window(self.feed, more_docks=lambda _: [dock], settings=folder / "window.ini")

    def __enter__(self) -> WindowUnderTest:
        for key, shown in self.window.docks.items():
            shown.setVisible(key in SHOWN)
        self.window.resize(1600, 1000)
        self.window.show()
        run_for(0.5)
        return self

    def __exit__(self, *_: object) -> None:
        self.window.close()
        self.window.deleteLater()
        run_for(0.1)

    def latency(self, rate_per_s: float, seconds: float) -> Latency:
        """Feed a new run at `rate_per_s` events/s for `seconds`; its first scan, without spectra, is fed in advance."""
        documents = self._new_run(rate_per_s)
        before = len(self.watched.painted)
        # A spectrum needs one complete scan. Feeding it in advance makes every later event change the picture.
        self._feed_first_scan(documents)
        wait_until(lambda: len(self.watched.painted) > before and self.watched.painted[-1][0] >= POINTS, 20.0)
        before = len(self.watched.painted)
        began = time.perf_counter()
        cpu_began = time.process_time()
        producer = _Producer(self.feed, documents, rate_per_s)
        run_for(seconds)
        cpu_share = (time.process_time() - cpu_began) / (time.perf_counter() - began)
        producer.end()
        # The last events are painted after the producer has ended; without them the slowest paints would be missing.
        last = POINTS + len(producer.put_at)
        wait_until(lambda: self.watched.painted[-1][0] >= last, 10.0)
        latencies = _latencies_ms(producer.put_at, self.watched.painted[before:])
        return Latency(
            median_ms=float(np.median(latencies)),
            p99_ms=float(np.percentile(latencies, 99)),
            cpu_share=cpu_share,
            events=len(latencies),
        )

    def memory(self) -> tuple[float, float]:
        """Return the resident memory in MB after 1000 events and after 10 000 more."""
        self._feed_events(1000)
        start_mb = resident_mb()
        self._feed_events(MEMORY_EVENTS)
        return start_mb, resident_mb()

    def _feed_events(self, number: int) -> None:
        remaining = number
        while remaining > 0:
            uid = f"memory-{next(self._runs)}"
            documents = run_documents(uid, self._images, IMAGES_PER_S / MEMORY_RATE_PER_S)
            producer = _Producer(self.feed, _first_events(documents, remaining), MEMORY_RATE_PER_S)
            wait_until(producer.has_ended, 120.0)
            remaining -= len(producer.put_at)
            self.feed.put(*stop_document(uid))
        run_for(1.0)
        # Cycles that Python has not collected yet would count as growth.
        gc.collect()

    def _new_run(self, rate_per_s: float) -> Iterator[NamedDocument]:
        return run_documents(f"latency-{next(self._runs)}", self._images, IMAGES_PER_S / rate_per_s)

    def _feed_first_scan(self, documents: Iterator[NamedDocument]) -> None:
        events = 0
        while events < POINTS:
            name, doc = next(documents)
            events += name == "event"
            self.feed.put(name, doc)


def run_for(seconds: float) -> None:
    """Run the Qt event loop for some seconds."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Run the Qt event loop until `condition()`; raises TimeoutError after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The window did not show the documents within {timeout_s:g} s.")
        run_for(0.02)


def resident_mb() -> float:
    """Return the resident memory of this process, MB."""
    return psutil.Process().memory_info().rss / 1e6


def _latencies_ms(put_at: list[float], painted: list[tuple[int, float]]) -> np.ndarray:
    """Return for each event the time from the feed to the first paint that shows it, ms, (events,)."""
    numbers = np.array([number for number, _ in painted])
    times = np.array([at for _, at in painted])
    # A paint shows all events up to its number. Each event is matched with the first paint whose number is not below
    # its own; several events may share one paint.
    places = np.searchsorted(numbers, POINTS + 1 + np.arange(len(put_at)))
    shown = places < len(times)
    return np.asarray(1e3 * (times[places[shown]] - np.array(put_at)[shown]))


def _first_events(documents: Iterator[NamedDocument], number: int) -> Iterator[NamedDocument]:
    events = 0
    for name, doc in documents:
        if events == number:
            return
        events += name == "event"
        yield name, doc
