"""If these fail, a user of the run browser cannot find, compare, export or replay a stored run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.browser.browser import RunBrowser
from gui.browser.drawn_runs import MOST_DRAWN
from gui.live.feed import QueueFeed
from gui.live.worker import LiveWorker
from storage import Store, open_store
from tests.support.live_runs import delay_run, energy_run
from tests.support.stored_runs import StoredRuns, later
from tests.support.waiting import WAIT_MS


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[StoredRuns]:
    stored = StoredRuns(tmp_path)
    for scan_id, sample in ((1, "toluene"), (2, "CsPbBr3"), (3, "CsPbBr3")):
        run = energy_run(f"energy-{scan_id}", seed=scan_id, overrides={"sample": sample, "scan_id": scan_id})
        stored.write(later(run, 1000.0 * scan_id))
    delays = delay_run("delay-4", overrides={"sample": "CsPbBr3", "scan_id": 4, "operator": "A. B."})
    stored.write(later(delays, 4000.0))
    yield stored
    stored.close()


@pytest.fixture
def store(runs: StoredRuns) -> Iterator[Store]:
    with open_store(runs.root, recover_runs=False) as opened:
        yield opened


@pytest.fixture
def live() -> QueueFeed:
    return QueueFeed("the session")


@pytest.fixture
def worker(live: QueueFeed) -> Iterator[LiveWorker]:
    running = LiveWorker(live)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser(store: Store, worker: LiveWorker, live: QueueFeed, qtbot: QtBot) -> Iterator[RunBrowser]:
    widget = RunBrowser(store, worker, live, refresh_s=0.05, catalogue=False, numbers=False)
    qtbot.addWidget(widget)
    widget.resize(1200, 600)
    widget.show()
    qtbot.waitUntil(lambda: len(widget.model.runs) == 4, timeout=WAIT_MS)
    yield widget
    widget.close_jobs()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("run browser")]


def drawn(browser: RunBrowser) -> list[str]:
    return [] if browser.overlay.plot is None else list(browser.overlay.plot.curves)


def wait_for(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=WAIT_MS)


def test_runs_that_are_too_many_to_draw_are_reported(browser: RunBrowser, runs: StoredRuns, qtbot: QtBot) -> None:
    """If this fails, somebody takes the curves for all that was selected."""
    for scan_id in range(5, MOST_DRAWN + 3):
        runs.write(later(energy_run(f"energy-{scan_id}", overrides={"scan_id": scan_id}), 1000.0 * scan_id))
    wait_for(qtbot, lambda: len(browser.model.runs) == MOST_DRAWN + 2)
    browser.table.selectAll()
    wait_for(qtbot, lambda: "2 more selected runs are not drawn" in browser.overlay.message.text())
    assert len(browser.selected) == MOST_DRAWN


def test_runs_that_only_the_catalogue_has_are_found_too(runs: StoredRuns, qtbot: QtBot) -> None:
    """Old journals may have been moved away: their runs are in databroker still."""
    runs.close()
    with open_store(runs.root, rebuild=True):
        pass
    for path in (runs.root / "journal" / "done").glob("*energy-1*"):
        path.unlink()
    with open_store(runs.root, recover_runs=False) as store:
        widget = RunBrowser(store, refresh_s=0.1, numbers=False)
        qtbot.addWidget(widget)
        widget.show()
        qtbot.waitUntil(lambda: len(widget.model.runs) == 4, timeout=120_000)
        assert [run.summary.uid for run in widget.model.runs][-1] == "energy-1"
        widget.select_run("energy-1")
        wait_for(qtbot, lambda: drawn(widget) == ["1 toluene Br K"])
        widget.close_jobs()
