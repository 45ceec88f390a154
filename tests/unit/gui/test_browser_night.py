"""If these fail, a user of the window cannot see what the runs of a night gave, or note what they were good for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QFileDialog

from gui.browser.browser import RunBrowser
from storage import open_store
from storage.notes import RunNotes
from tests.support.live_runs import energy_run
from tests.support.stored_runs import StoredRuns, later
from tests.support.waiting import WAIT_MS

Role = Qt.ItemDataRole


@pytest.fixture
def browser(tmp_path: Path, qtbot: QtBot) -> Iterator[RunBrowser]:
    """A browser with two runs, one of which is still being measured, and a column of the user's own."""
    stored = StoredRuns(tmp_path)
    stored.write(later(energy_run("energy-1", overrides={"scan_id": 1}), 0.0))
    stored.write(later(energy_run("energy-2", overrides={"scan_id": 2}), 100.0)[:60])
    (tmp_path / "columns.py").write_text(
        "from reduction import column\n@column(unit='eV')\ndef first(run): return float(run.curve.x[0])\n"
        "@column()\ndef none(run): return run.start['nobody has recorded this']\n"
    )
    with open_store(tmp_path, recover_runs=False) as store:
        widget = RunBrowser(store, refresh_s=0.05, catalogue=False)
        widget.files.draw_with(lambda _folder, name, _documents: f"{name}.png")
        qtbot.addWidget(widget)
        widget.show()
        qtbot.waitUntil(lambda: text(widget, 1, "Size") != "", timeout=WAIT_MS)
        yield widget
        widget.close_jobs()
    stored.close()


def text(browser: RunBrowser, row: int, title: str, role: Role = Role.DisplayRole) -> str:
    if browser.model.rowCount() <= row or title not in browser.model.titles:
        return ""
    return str(browser.model.data(browser.model.index(row, browser.model.titles.index(title)), role))


def write(browser: RunBrowser, title: str, words: str) -> None:
    index = browser.model.index(1, browser.model.titles.index(title))
    assert index.flags() & Qt.ItemFlag.ItemIsEditable
    assert browser.model.setData(index, words)


def test_the_list_has_results_notes_and_own_columns(browser: RunBrowser, qtbot: QtBot, tmp_path: Path) -> None:
    assert text(browser, 1, "Size").endswith(" %")
    assert "transient at 134" in text(browser, 1, "Size", Role.ToolTipRole)
    assert "unpumped - unpumped" in text(browser, 1, "Null χ²", Role.ToolTipRole)
    assert text(browser, 1, "Delay") == "10.1 ns"
    assert text(browser, 1, "first (eV)").startswith("134")
    assert text(browser, 1, "none") == "! KeyError"
    assert "'nobody has recorded this'" in text(browser, 1, "none", Role.ToolTipRole)
    comment = browser.model.titles.index("Comment")
    assert browser.table.columnViewportPosition(comment) < 800, "the night's table fits beside the other docks"
    transient = browser.model.index(1, browser.model.titles.index("Transient"))
    assert isinstance(browser.model.data(transient, Role.DecorationRole), QPixmap)
    # The one that is being measured is left to the live panels.
    assert text(browser, 0, "Size") == ""
    assert browser.model.headerData(browser.model.columnCount() - 2, Qt.Orientation.Horizontal) == "first (eV)"

    write(browser, "Comment", "jet was good")
    write(browser, "Rating", "4")
    write(browser, "Tags", "paper, good")
    qtbot.waitUntil(lambda: text(browser, 1, "Tags") == "good, paper", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: text(browser, 1, "Rating") == "★★★★", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: text(browser, 1, "Comment") == "jet was good", timeout=WAIT_MS)
    assert text(browser, 1, "Rating", Role.EditRole) == "4"
    assert RunNotes(tmp_path).all()["energy-1"].rating == 4

    # A colleague's change appears by itself, and can be searched for.
    RunNotes(tmp_path).change("energy-1", comment="jet broke at the end")
    qtbot.waitUntil(lambda: "broke" in text(browser, 1, "Comment"), timeout=WAIT_MS)
    browser.search.setText("broke rating>=4 tags=paper")
    assert [run.summary.uid for run in browser.model.runs] == ["energy-1"]
    browser.search.setText("rating>=5")
    assert browser.model.rowCount() == 0


def test_a_wrong_note_is_refused_with_the_reason(browser: RunBrowser, qtbot: QtBot, tmp_path: Path) -> None:
    write(browser, "Rating", "9")
    qtbot.waitUntil(lambda: "0 to 5 stars" in browser.message.text(), timeout=WAIT_MS)
    write(browser, "Rating", "1.5")
    qtbot.waitUntil(lambda: "not a whole number" in browser.message.text(), timeout=WAIT_MS)
    assert RunNotes(tmp_path).all() == {}


def test_columns_are_computed_again_and_the_table_is_saved(
    browser: RunBrowser, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--recompute" not in browser.recompute_button.toolTip()
    path = tmp_path / "columns.py"
    path.write_text(path.read_text().replace("[0]", "[-1]"))
    # The cell may be gone for a moment: the browser may read the file while it is being written.
    qtbot.waitUntil(lambda: text(browser, 1, "first (eV)").endswith("*"), timeout=WAIT_MS)
    before = text(browser, 1, "first (eV)")
    qtbot.waitUntil(lambda: "--recompute" in browser.recompute_button.toolTip(), timeout=WAIT_MS)
    assert not browser.recompute_button.isHidden()
    browser.recompute_button.click()
    qtbot.waitUntil(lambda: text(browser, 1, "first (eV)") not in ("", before), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "--recompute" not in browser.recompute_button.toolTip(), timeout=WAIT_MS)
    target = tmp_path / "night.md"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    browser.files.save.click()
    qtbot.waitUntil(target.exists, timeout=WAIT_MS)
    assert text(browser, 1, "Size") in target.read_text()


def test_selected_runs_are_exported(
    browser: RunBrowser, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = {action.text(): action for action in browser.files.export.menu().actions()}
    assert list(actions)[:4] == ["NeXus", "XDI", "HDF5", "CSV"]
    actions["CSV"].trigger()
    assert "Select the runs" in browser.message.text()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "out"))
    browser.select_run("energy-1")
    actions["CSV"].trigger()
    qtbot.waitUntil(lambda: "Exported: 00001_energy_scan" in browser.message.text(), timeout=WAIT_MS)
    assert len(list((tmp_path / "out").glob("*.csv"))) == 2
    (figure,) = [action for name, action in actions.items() if name.startswith("Figure")]
    figure.trigger()
    qtbot.waitUntil(lambda: "Exported: run_energy-1.png in" in browser.message.text(), timeout=WAIT_MS)
