"""If these fail, the window loses its layout, looks alive when it is not, or leaves threads behind."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QApplication, QMessageBox, QTabBar, QWidget

from gui.application import make_application, make_window
from gui.docking.dock import Dock
from gui.docking.title import DockTitle
from gui.live.feed import QueueFeed
from gui.live.frame import FeedState
from gui.panels.context import PanelContext
from gui.panels.panel import Panel
from gui.panels.registry import panel_classes
from gui.status.item import Reading, StatusItem
from gui.theme import CONTROL_ROOM, DARK, current_theme
from gui.window import MainWindow
from reduction.kinds import run_kinds
from tests.support.beam_time import Document
from tests.support.waiting import WAIT_MS


class FixedStatus:
    """Device states that a test sets."""

    def __init__(self) -> None:
        self.readings = {"energy": Reading(value=13_472.0, connected=True, at_s=time.monotonic())}
        self.closed = False

    def reading(self, item: StatusItem) -> Reading:
        return self.readings[item.label]

    def close(self) -> None:
        self.closed = True


Make = Callable[..., MainWindow]


@pytest.fixture
def make(qtbot: QtBot, tmp_path: Path) -> Iterator[Make]:
    made: list[MainWindow] = []

    def build(feed: QueueFeed | None = None, **settings: Any) -> MainWindow:
        make_application()
        window = make_window(feed or QueueFeed("test"), settings=tmp_path / "window.ini", **settings)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        made.append(window)
        return window

    yield build
    for window in made:
        window.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "live worker"]


def put(feed: QueueFeed, documents: list[Document]) -> None:
    for name, doc in documents:
        feed.put(name, doc)


def visible_panels(window: MainWindow) -> list[Panel]:
    widgets = [dock.widget() for dock in window.docks.values()]
    return [widget for widget in widgets if isinstance(widget, Panel) and not widget.visibleRegion().isEmpty()]


def test_a_closed_panel_comes_back_from_the_menu(make: Make) -> None:
    window = make()
    dock = window.docks["trends"]
    dock.close()
    assert dock.isHidden()
    dock.toggleViewAction().trigger()
    assert not dock.isHidden()
    dock.close()
    window.reset_layout()
    assert not dock.isHidden()


def test_a_panel_that_fails_reports_it_and_leaves_the_others_alone(
    make: Make, qtbot: QtBot, energy_run: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: every curve of the window, because a panel of another package has a defect."""
    feed = QueueFeed("test")
    window = make(feed)
    broken, sound = window.docks["spectra"].widget(), window.docks["bunches"].widget()
    assert isinstance(broken, Panel)
    assert isinstance(sound, Panel)

    def fail(_frame: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(broken, "draw", fail)
    window.show_panel("spectra")
    for name, doc in energy_run:
        feed.put(name, doc)
    qtbot.waitUntil(lambda: "BROKEN" in broken.heading.state.text(), timeout=WAIT_MS)
    assert "ZeroDivisionError" in broken.heading.state.toolTip()
    qtbot.waitUntil(lambda: "ENDED" in sound.heading.state.text(), timeout=WAIT_MS)
    assert "BROKEN" in broken.heading.state.text()


def test_docks_are_closed_and_taken_out_by_their_titles(make: Make, qtbot: QtBot) -> None:
    window = make()
    dock = window.docks["devices"]
    title = dock.titleBarWidget()
    assert isinstance(title, DockTitle)
    qtbot.mouseClick(title.detach_button, Qt.MouseButton.LeftButton)
    assert dock.isFloating()
    qtbot.mouseClick(title.detach_button, Qt.MouseButton.LeftButton)
    assert not dock.isFloating()
    qtbot.mouseClick(title.close_button, Qt.MouseButton.LeftButton)
    assert dock.isHidden()


def test_layout_and_look_are_remembered(make: Make) -> None:
    """If this fails, everybody has to arrange the window again every morning."""
    first = make()
    first.docks["log"].close()
    first.use_theme(DARK.name)
    first.close()
    second = make()
    assert second.docks["log"].isHidden()
    assert not second.docks["devices"].isHidden()
    assert current_theme() is DARK


def test_the_control_room_shows_what_is_read_from_afar_and_gives_the_rest_back(make: Make, qtbot: QtBot) -> None:
    window = make()
    window.use_theme(CONTROL_ROOM.name)
    assert window.docks["log"].isHidden()
    assert not window.docks["devices"].isHidden()
    assert window.font().pointSizeF() >= 16.0
    assert {title.name.font().pointSizeF() for title in window.findChildren(DockTitle)} == {CONTROL_ROOM.font_points}
    window.use_theme(DARK.name)
    assert not window.docks["log"].isHidden()

    def tabs() -> list[int]:
        return sorted(bar.count() for bar in window.findChildren(QTabBar) if bar.isVisible())

    # A bar that is left over lies across the other docks.
    groups = Counter(panel.group for panel in panel_classes())
    expected = sorted(number for number in groups.values() if number > 1)
    qtbot.waitUntil(lambda: tabs() == expected, timeout=WAIT_MS)


def test_every_tab_is_there_once(make: Make) -> None:
    """A bar of tabs that is left over lies across the other docks."""
    more = [
        Dock(key="runs", title="Runs", widget=QWidget(), side="right", group="curves"),
        Dock(key="control", title="Control", widget=QWidget(), side="left", group="control"),
    ]
    window = make(more_docks=lambda _worker: more)
    bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible()]
    tabs = [bar.tabText(place) for bar in bars for place in range(bar.count())]
    groups = Counter(panel.group for panel in panel_classes()) + Counter(["curves"])
    assert len(tabs) == len(set(tabs)) == sum(number for number in groups.values() if number > 1)


def test_keys_show_panels_looks_and_help(make: Make, qtbot: QtBot) -> None:
    window = make()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None, timeout=WAIT_MS)
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.docks["kinetics"].widget().visibleRegion().isEmpty(), timeout=WAIT_MS)
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: current_theme() is DARK, timeout=WAIT_MS)
    qtbot.keyClick(window, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=WAIT_MS)
    box = window.findChildren(QMessageBox)[0]
    assert "Closing the window never disturbs the measurement" in box.text()
    box.close()


def test_hidden_panels_ask_nothing(make: Make, qtbot: QtBot) -> None:
    """If this fails, a fit that nobody sees slows down what everybody looks at."""
    window = make()
    kinetics: Any = window.docks["kinetics"].widget()
    spectra: Any = window.docks["spectra"].widget()
    qtbot.waitUntil(lambda: set(spectra.requests()) <= window.worker._wanted, timeout=WAIT_MS)
    assert not set(kinetics.requests()) & window.worker._wanted
    window.show_panel("kinetics")
    qtbot.waitUntil(lambda: set(kinetics.requests()) <= window.worker._wanted, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not set(spectra.requests()) & window.worker._wanted, timeout=WAIT_MS)


def test_a_dead_source_turns_every_panel_stale(make: Make, energy_run: list[Document], qtbot: QtBot) -> None:
    """If this fails, an old number looks live."""
    feed = QueueFeed("test")
    window = make(feed)
    for name, doc in energy_run[:-1]:
        feed.put(name, doc)
    qtbot.waitUntil(lambda: "● LIVE" in window.liveness_bar.state.text(), timeout=WAIT_MS)
    # A feed that still takes documents would report itself as live again.
    events = sum(name == "event" for name, _ in energy_run)
    qtbot.waitUntil(lambda: window.worker.frame.events == events, timeout=WAIT_MS)
    feed.state = FeedState(source="test", live=True, connected=False, last_document_at=time.monotonic(), remark="Gone.")
    qtbot.waitUntil(lambda: "▲ STALE: Gone." in window.liveness_bar.state.text(), timeout=WAIT_MS)
    panels = [panel for panel in visible_panels(window) if panel.key != "devices"]
    assert {panel.key for panel in panels} == {"spectra", "bunches", "log"}
    assert {panel.heading.state.text() for panel in panels} == {"▲ STALE"}
    assert {plot.canvas._watermark.text() for panel in panels for plot in panel.plots()} == {"STALE"}
    assert window.windowTitle().startswith("STALE")


def test_missed_documents_and_age_are_reported(make: Make, energy_run: list[Document], qtbot: QtBot) -> None:
    feed = QueueFeed("test")
    window = make(feed)
    feed.put(*energy_run[0])
    qtbot.waitUntil(lambda: window.worker.frame.run is not None, timeout=WAIT_MS)
    feed.state = FeedState(source="test", live=True, connected=True, last_document_at=time.monotonic() - 8.0, missed=2)
    qtbot.waitUntil(lambda: "▲ 2 missed" in window.liveness_bar.missed.text(), timeout=WAIT_MS)
    assert "last document" in window.liveness_bar.age.text()


def test_a_replay_is_marked(make: Make, energy_run: list[Document], qtbot: QtBot) -> None:
    feed = QueueFeed("test")
    window = make(feed)
    feed.put(*energy_run[0])
    qtbot.waitUntil(lambda: window.worker.frame.run is not None, timeout=WAIT_MS)
    feed.state = FeedState(source="replay of abc", live=False, connected=True, last_document_at=time.monotonic())
    qtbot.waitUntil(lambda: "▶ REPLAY" in window.liveness_bar.state.text(), timeout=WAIT_MS)
    spectra: Any = window.docks["spectra"].widget()
    assert spectra.heading.state.text() == "▶ REPLAY"


def test_devices_show_words_and_dead_ones_are_grey(make: Make, qtbot: QtBot) -> None:
    source = FixedStatus()
    items = [StatusItem(label="energy", pvs=("pv",), unit="eV")]
    window = make(beamline=PanelContext(items=items, source=source))
    panel: Any = window.docks["devices"].widget()
    qtbot.waitUntil(lambda: panel.table.text(0, 1) == "● OK", timeout=WAIT_MS)
    source.readings["energy"] = Reading(value=13_472.0, connected=False, at_s=time.monotonic() - 600)
    qtbot.waitUntil(lambda: panel.table.text(0, 1) == "✕ DISCONNECTED", timeout=WAIT_MS)
    assert panel.table.text(0, 2) == "(13472.00 eV)"
    assert panel.table.text(0, 3) == "10 min ago"
    assert "1 OF 1 DISCONNECTED" in panel.heading.state.text()
    window.close()
    assert source.closed


def test_the_log_listens_while_it_is_hidden(make: Make, energy_run: list[Document], qtbot: QtBot) -> None:
    feed = QueueFeed("test")
    window = make(feed)
    window.docks["log"].close()
    for name, doc in energy_run:
        feed.put(name, doc)
    qtbot.waitUntil(lambda: window.worker.frame.exit_status is not None, timeout=WAIT_MS)
    window.refresh()
    window.show_panel("log")
    log: Any = window.docks["log"].widget()
    qtbot.waitUntil(lambda: "ended, success" in log.text.toPlainText(), timeout=WAIT_MS)
    assert "started" in log.text.toPlainText()


def test_the_panel_of_a_new_run_comes_to_the_front_once(
    make: Make, delay_run: list[Document], fluence_run: list[Document], qtbot: QtBot
) -> None:
    """Lost: the curve of a delay scan, behind spectra that say that this run is not theirs."""
    feed = QueueFeed("test")
    window = make(feed)
    put(feed, delay_run[:5])
    qtbot.waitUntil(lambda: "kinetics" in {panel.key for panel in visible_panels(window)}, timeout=WAIT_MS)
    window.show_panel("spectra")
    put(feed, delay_run[5:])
    qtbot.waitUntil(lambda: window.worker.frame.exit_status is not None, timeout=WAIT_MS)
    window.refresh()
    assert "spectra" in {panel.key for panel in visible_panels(window)}, "a user who opens another panel stays there"
    window.docks["fluence"].close()
    put(feed, fluence_run)
    uid = fluence_run[0][1]["uid"]
    qtbot.waitUntil(lambda: window.worker.frame.run is not None and window.worker.frame.run.uid == uid)
    window.refresh()
    assert window.docks["fluence"].isHidden(), "a closed panel stays closed"


def test_every_kind_that_a_panel_names_exists() -> None:
    kinds = {kind.name for kind in run_kinds()}
    assert {name for panel in panel_classes() for name in panel.run_kinds} <= kinds


def test_an_idle_window_draws_nothing(make: Make, energy_run: list[Document], qtbot: QtBot) -> None:
    """If this fails, a window that shows an ended run keeps a core busy."""
    feed = QueueFeed("test")
    window = make(feed)
    for name, doc in energy_run:
        feed.put(name, doc)
    spectra: Any = window.docks["spectra"].widget()
    qtbot.waitUntil(lambda: bool(spectra.transient.curves), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "ENDED" in window.liveness_bar.state.text(), timeout=WAIT_MS)
    painted_s = [time.monotonic()]
    spectra.transient.canvas.painted.connect(lambda: painted_s.append(time.monotonic()))
    # On a busy machine the last curves are drawn late; a window that drew again and again would never be still.
    qtbot.waitUntil(lambda: time.monotonic() - painted_s[-1] > 0.8, timeout=WAIT_MS)


@pytest.mark.parametrize("windows", [5, pytest.param(20, marks=pytest.mark.long)])
def test_windows_leave_nothing(energy_run: list[Document], qtbot: QtBot, tmp_path: Path, windows: int) -> None:
    """Closed and opened several times in the middle of a run: no thread stays."""
    before = threading.active_count()
    for _ in range(windows):
        feed = QueueFeed("test")
        window = make_window(feed, settings=tmp_path / "window.ini")
        window.show()
        for name, doc in energy_run[:50]:
            feed.put(name, doc)
        qtbot.waitUntil(lambda window=window: window.worker.frame.events > 0, timeout=WAIT_MS)  # type: ignore[misc]
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qtbot.waitUntil(lambda: threading.active_count() <= before, timeout=WAIT_MS)


def test_other_widgets_become_docks(make: Make) -> None:
    from qtpy.QtWidgets import QLabel

    label = QLabel("runs")
    window = make(
        more_docks=lambda _worker: [Dock(key="browser", title="Runs", widget=label, side="right", group="curves")]
    )
    window.show_panel("browser")
    assert label.isVisible()
