"""If these fail, a user of the run browser cannot find, compare, export or replay a stored run."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from gui.browser.browser import RunBrowser
from gui.browser.drawn_runs import MOST_DRAWN
from storage import open_store
from tests.support.live_runs import energy_run
from tests.support.shown_runs import drawn, wait_for
from tests.support.stored_runs import StoredRuns, later


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
