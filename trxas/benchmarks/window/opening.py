"""Time until the window is there, and until it shows a run that is being measured."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from errors import TrxasError
from gui.application import make_application, make_window
from gui.live.feed import QueueFeed
from gui.panels.panel import Panel
from trxas.benchmarks.entry import Entries, Entry
from trxas.benchmarks.window.latency import wait_until
from trxas.benchmarks.window.synthetic_run import POINTS, run_documents

REPETITIONS = 3
ALLOWED_S = 1.0
"""Baseline of the first sight of a run, s: a user hardly notices such a wait."""

IMPORTS = (
    "from trxas.commands import gui; from pathlib import Path; import sys; folder = Path(sys.argv[1]);"
    "options = gui.GuiOptions(data=folder, layout=folder / 'window.ini');"
    "gui.require_libraries(); gui.read_libraries(options.configuration().storage)"
)
OPENING = (
    "from gui.splash import bare_application;"
    "application = bare_application(options.layout); window = gui.open_window(options, options.configuration());"
    "window.show(); application.processEvents(); window.close()"
)
FIRST_SIGHT = f"{IMPORTS}; from trxas.benchmarks.window.opening import first_sight_s; print(first_sight_s())"


def bench_opening() -> Entries:
    """Measure processes that open the window against processes that only import what it needs, in s.

    `window_start_ratio` is over the imports; `window_first_sight_ratio` has the time from the imports to the curves of
    a run that is being measured, s, over the second that is allowed.
    """
    with tempfile.TemporaryDirectory() as folder:
        _output_of(f"{IMPORTS}; {OPENING}", folder)  # reads from the disk what no later start does
        opened = []
        imported = []
        seen = []
        for _ in range(REPETITIONS):
            opened.append(_output_of(f"{IMPORTS}; {OPENING}", folder)[0])
            imported.append(_output_of(IMPORTS, folder)[0])
            seen.append(float(_output_of(FIRST_SIGHT, folder)[1]))
    return {
        "window_start_ratio": Entry.of(opened, imported, "s"),
        "window_first_sight_ratio": Entry.of(seen, [ALLOWED_S] * REPETITIONS, "s"),
    }


def first_sight_s() -> float:
    """Return the time from making the application of this process until its window has painted a spectrum, s."""
    feed = QueueFeed("bench")
    # About two scans are in the feed before the window exists, as for a window that is opened during a run: it has to
    # catch up.
    for (name, doc), _ in zip(run_documents("first-sight"), range(2 * POINTS), strict=False):
        feed.put(name, doc)
    begin = time.perf_counter()
    make_application()
    with tempfile.TemporaryDirectory() as folder:
        window = make_window(feed, settings=Path(folder) / "window.ini")
        window.show()
        spectra = window.docks["spectra"].widget()
        assert isinstance(spectra, Panel)
        wait_until(lambda: any(plot.curves for plot in spectra.plots()), 20.0)
        seen_s = time.perf_counter() - begin
        window.close()
    return seen_s


def _output_of(code: str, folder: str) -> tuple[float, str]:
    """Return how long a process takes that runs `code`, s, and the last line of what it prints."""
    begin = time.perf_counter()
    command = [sys.executable, "-c", code, folder]
    done = subprocess.run(command, timeout=120, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise TrxasError(f"A process that should have been measured failed: {done.stderr[-500:]}")
    return time.perf_counter() - begin, done.stdout.strip().rpartition("\n")[2]
