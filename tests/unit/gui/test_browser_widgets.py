"""If these fail, a user of the run browser cannot find, compare, export or replay a stored run."""

from __future__ import annotations

import csv
import threading
from pathlib import Path
from typing import Any

import numpy as np
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPoint, Qt

from errors import StorageError
from gui.browser.background import Background
from gui.browser.browser import RunBrowser
from gui.browser.overlay import RESULT
from gui.browser.run_table import COLUMNS
from gui.live.feed import QueueFeed
from gui.live.worker import LiveWorker
from gui.plots.styles import series_style
from reduction.accumulator import accumulate
from reduction.xas.spc_energy import spc_spectrum
from storage import open_store
from tests.support.live_runs import energy_run
from tests.support.shown_runs import drawn, wait_for
from tests.support.stored_runs import StoredRuns, later
from tests.support.waiting import WAIT_S


def click_run(
    browser: RunBrowser, qtbot: QtBot, scan_id: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    row = [run.summary.scan_id for run in browser.model.runs].index(scan_id)
    place = browser.table.visualRect(browser.model.index(row, 1)).center()
    qtbot.mouseClick(browser.table.viewport(), Qt.MouseButton.LeftButton, modifier, QPoint(place))


def cell(browser: RunBrowser, row: int, column: str) -> str:
    return str(browser.model.data(browser.model.index(row, COLUMNS.index(column))))


def test_newest_first_with_status_as_a_word(browser: RunBrowser) -> None:
    assert [run.summary.scan_id for run in browser.model.runs] == [4, 3, 2, 1]
    assert [cell(browser, row, "Plan") for row in (0, 1)] == ["delay scan", "energy scan"]
    assert cell(browser, 1, "Status") == "✓ complete"
    assert browser.count.text() == "4 runs"


def test_search_narrows_the_list_and_reports_what_it_does_not_understand(browser: RunBrowser, qtbot: QtBot) -> None:
    qtbot.keyClicks(browser.search, "cspb plan=energy_scan")
    assert [run.summary.scan_id for run in browser.model.runs] == [3, 2]
    browser.search.clear()
    qtbot.keyClicks(browser.search, 'operator="A. B.')
    assert "unclosed quote" in browser.message.text()
    qtbot.keyClicks(browser.search, '"')
    assert [run.summary.scan_id for run in browser.model.runs] == [4]
    assert browser.message.isHidden()


def test_new_runs_appear_by_themselves_and_one_under_way_grows_in_the_plot(
    browser: RunBrowser, runs: StoredRuns, qtbot: QtBot
) -> None:
    """A run that is looked at must not need a click to be up to date."""
    click_run(browser, qtbot, 3)
    wait_for(qtbot, lambda: drawn(browser) == ["3 CsPbBr3 Br K"])
    run = later(energy_run("energy-5", seed=5, overrides={"scan_id": 5}), 9000.0)
    cut = 2 + 44 + 20
    runs.write(run[:cut])
    wait_for(qtbot, lambda: len(browser.model.runs) == 5)
    assert cell(browser, 0, "Status") == "▶ running"
    assert browser.selected == ["energy-3"], "the selection stays with its run"
    click_run(browser, qtbot, 5)
    wait_for(qtbot, lambda: drawn(browser) == ["5 CsPbBr3 Br K"])
    plot = browser.overlay.plot
    assert plot is not None
    before = plot.curves["5 CsPbBr3 Br K"].y
    runs.write(run[cut:])
    complete = spc_spectrum(accumulate(run)).transient
    assert not np.array_equal(before, complete)
    wait_for(qtbot, lambda: np.array_equal(plot.curves["5 CsPbBr3 Br K"].y, complete))
    wait_for(qtbot, lambda: cell(browser, 0, "Status") == "✓ complete")


def test_overlay_has_the_same_colour_in_list_legend_and_plot(browser: RunBrowser, qtbot: QtBot) -> None:
    click_run(browser, qtbot, 2)
    click_run(browser, qtbot, 3, Qt.KeyboardModifier.ControlModifier)
    click_run(browser, qtbot, 1, Qt.KeyboardModifier.ControlModifier)
    names = ["2 CsPbBr3 Br K", "3 CsPbBr3 Br K", "1 toluene Br K"]
    wait_for(qtbot, lambda: set(drawn(browser)) == set(names))
    plot = browser.overlay.plot
    assert plot is not None
    assert [plot.curves[name].style for name in names] == [series_style(place) for place in range(3)]
    for row, place in ((1, 1), (2, 0), (3, 2)):
        icon = browser.model.data(browser.model.index(row, 0), Qt.ItemDataRole.DecorationRole)
        image = icon.pixmap(icon.availableSizes()[0]).toImage()
        centre = image.pixelColor(image.width() // 2, image.height() // 2).name()
        expected = plot.legend.button(plot.curves[names[place]]).icon().pixmap(image.size()).toImage()
        # The diamond is hollow: its centre is the background, in both.
        assert place == 2 or centre == expected.pixelColor(image.width() // 2, image.height() // 2).name()
    click_run(browser, qtbot, 2, Qt.KeyboardModifier.ControlModifier)
    wait_for(qtbot, lambda: set(drawn(browser)) == set(names[1:]))
    assert plot.curves[names[1]].style == series_style(1), "a run keeps its colour as long as it is selected"


def test_runs_of_another_kind_are_not_drawn_but_named(browser: RunBrowser, qtbot: QtBot) -> None:
    click_run(browser, qtbot, 3)
    click_run(browser, qtbot, 4, Qt.KeyboardModifier.ControlModifier)
    wait_for(qtbot, lambda: "4 CsPbBr3 Br K: not drawn" in browser.overlay.message.text())
    assert drawn(browser) == ["3 CsPbBr3 Br K"]


def test_difference_and_export_are_the_reduction_to_the_last_digit(
    browser: RunBrowser, tmp_path: Path, qtbot: QtBot
) -> None:
    click_run(browser, qtbot, 3)
    click_run(browser, qtbot, 2, Qt.KeyboardModifier.ControlModifier)
    wait_for(qtbot, lambda: len(drawn(browser)) == 2)
    browser.overlay.view.setCurrentText("Difference")
    name = "3 CsPbBr3 Br K minus 2 CsPbBr3 Br K"
    assert drawn(browser) == [name]
    plot = browser.overlay.plot
    assert plot is not None
    assert plot.curves[name].style == RESULT
    third, second = (
        spc_spectrum(accumulate(energy_run(f"energy-{n}", seed=n, overrides={"sample": "CsPbBr3"}))) for n in (3, 2)
    )
    np.testing.assert_array_equal(plot.curves[name].y, third.transient - second.transient)
    path = tmp_path / "difference.csv"
    plot.export(path)
    lines = path.read_text().splitlines()
    assert f"# {name}" in lines
    assert "# 3 CsPbBr3 Br K: run energy-3" in lines
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    np.testing.assert_array_equal([float(row[name]) for row in rows], third.transient - second.transient)
    sigma = np.hypot(third.sigma, second.sigma)
    np.testing.assert_array_equal([float(row[f"{name}_sigma"]) for row in rows], sigma)


def test_comparison_of_what_cannot_be_compared_reports_why(browser: RunBrowser, qtbot: QtBot) -> None:
    browser.overlay.view.setCurrentText("Ratio")
    click_run(browser, qtbot, 3)
    wait_for(qtbot, lambda: "select two runs" in browser.overlay.message.text())
    click_run(browser, qtbot, 4, Qt.KeyboardModifier.ControlModifier)
    wait_for(qtbot, lambda: "Choose two runs of the same kind" in browser.overlay.message.text())
    assert drawn(browser) == []


def test_another_reduction_is_drawn_when_it_is_chosen(browser: RunBrowser, qtbot: QtBot) -> None:
    click_run(browser, qtbot, 3)
    wait_for(qtbot, lambda: len(drawn(browser)) == 1)
    browser.overlay.part.setCurrentText("Unpumped")
    expected = spc_spectrum(accumulate(energy_run("energy-3", seed=3))).off
    wait_for(
        qtbot,
        lambda: bool(drawn(browser)) and np.array_equal(browser.overlay.plot.curves["3 CsPbBr3 Br K"].y, expected),  # type: ignore[union-attr]
    )


def test_metadata_can_be_read_and_searched(browser: RunBrowser, qtbot: QtBot) -> None:
    click_run(browser, qtbot, 4)
    tree = browser.metadata.tree
    items: list[Any] = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    rows = {item.text(0): item for item in items}
    assert rows["operator"].text(1) == "A. B."
    browser.metadata.search.setText("irf")
    assert not rows["reduction"].isHidden()
    assert rows["reduction"].isExpanded()
    assert rows["operator"].isHidden()


def test_replay_goes_through_the_live_panels_and_never_looks_live(
    browser: RunBrowser, worker: LiveWorker, live: QueueFeed, qtbot: QtBot
) -> None:
    """A replay that could be taken for the running experiment would be worse than none."""
    bar = browser.replay_bar
    assert bar is not None
    live.put(*energy_run("the live run")[0])
    wait_for(qtbot, lambda: worker.frame.run is not None and worker.frame.run.uid == "the live run")
    assert bar.back.isHidden()
    click_run(browser, qtbot, 3)
    wait_for(qtbot, browser.replay_button.isEnabled)
    bar.speed.setCurrentText("1 times")  # slow enough to be paused before its end on any machine
    qtbot.mouseClick(browser.replay_button, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: worker.frame.run is not None and worker.frame.run.uid == "energy-3")
    assert not worker.frame.feed.live
    assert bar.state.text().startswith("▶ REPLAY of scan 3 CsPbBr3 Br K")
    qtbot.mouseClick(bar.play, Qt.MouseButton.LeftButton)
    assert bar.feed is not None
    assert bar.feed.paused
    assert "paused" in bar.state.text()
    bar.place.setValue(bar.place.maximum())
    bar.place.sliderReleased.emit()
    wait_for(qtbot, lambda: worker.frame.events == 3 * 44)
    assert not worker.frame.feed.live
    qtbot.mouseClick(bar.play, Qt.MouseButton.LeftButton)
    assert not bar.feed.paused
    qtbot.mouseClick(bar.back, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: worker.frame.feed.live)
    assert worker.frame.run is None or worker.frame.run.uid == "the live run"
    assert "current measurement" in bar.state.text()
    assert bar.back.isHidden()


def test_run_can_be_selected_from_outside(browser: RunBrowser, qtbot: QtBot) -> None:
    qtbot.keyClicks(browser.search, "toluene")
    browser.select_run("energy-2")
    assert browser.selected == ["energy-2"]
    browser.select_run("no such run")
    assert "not in the list" in browser.message.text()


def test_hidden_browser_reads_nothing(browser: RunBrowser, runs: StoredRuns, qtbot: QtBot) -> None:
    assert browser.is_reading
    browser.hide()
    runs.write(later(energy_run("energy-6", overrides={"scan_id": 6}), 9000.0))
    assert not browser.is_reading
    assert len(browser.model.runs) == 4
    browser.show()
    wait_for(qtbot, lambda: len(browser.model.runs) == 5)


def test_run_whose_process_died_is_named_so(runs: StoredRuns, qtbot: QtBot) -> None:
    other = StoredRuns(runs.root)
    other.write(later(energy_run("energy-7"), 9000.0)[:30])
    other.close()
    with open_store(runs.root, recover_runs=False) as store:
        widget = RunBrowser(store, catalogue=False, numbers=False)
        qtbot.addWidget(widget)
        widget.show()
        wait_for(qtbot, lambda: len(widget.model.runs) == 5)
        assert cell(widget, 0, "Status") == "▲ interrupted"
        widget.close_jobs()


def test_stale_answers_are_dropped_and_failures_are_words(qtbot: QtBot) -> None:
    jobs, answers, failures = Background(), list[str](), list[str]()
    go_on = threading.Event()

    def slow() -> str:
        go_on.wait(WAIT_S)
        return "old"

    def broken() -> str:
        raise StorageError("The disk is gone. Bring it back.")

    def unexpected() -> str:
        raise RuntimeError("surprise")

    jobs.ask("curve", slow, answers.append, failures.append)
    jobs.ask("curve", lambda: "new", answers.append, failures.append)
    wait_for(qtbot, lambda: answers == ["new"])
    go_on.set()
    jobs.ask("a", broken, answers.append, failures.append)
    jobs.ask("b", unexpected, answers.append, failures.append)
    wait_for(qtbot, lambda: len(failures) == 2)
    jobs.close()
    assert answers == ["new"]
    assert "The disk is gone. Bring it back." in failures
    assert any("RuntimeError('surprise')" in words for words in failures)
