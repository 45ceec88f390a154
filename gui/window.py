"""The window: panels in docks, one repaint timer, and a status bar that says how live all of it is."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QByteArray, QEvent, QSettings, Qt, QTimer
from qtpy.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence, QShowEvent
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QMessageBox, QTabBar, QTabWidget, QWidget

from errors import TrxasError
from gui.dock_title import DockTitle
from gui.live.frame import LiveFrame
from gui.live.worker import LiveWorker
from gui.panels.log import LogPanel
from gui.panels.panel import Panel
from gui.status.bar import HonestyBar
from gui.status.liveness import judge
from gui.theme import CONTROL_ROOM, THEMES, apply_theme, current_theme

REPAINT_MS = 33
"""30 times a second: half of a frame's 100 ms from event to pixel is left for drawing, and idle ticks cost nothing."""

HONESTY_S = 0.25
"""How often ages and states are judged anew when no document comes."""

_SIDES = ("left", "right")

SEEN_FROM_AFAR = ("curves", "devices")
"""Groups of docks that stay in the control room."""

_HEIGHTS = {2: [62, 38], 3: [48, 36, 16]}
"""Per cent of the height for the places of one side, by their number."""

LAYOUT_VERSION = 1
"""Saved layouts of another version are not restored."""

HELP = """<h3>The window</h3>
<p>Every panel says in its first line whether it is <b>● LIVE</b>, <b>▶ REPLAY</b>, <b>▲ STALE</b>, <b>■ ENDED</b> or
<b>○ NO RUN</b>, and of which run its numbers are. Panels are docks: drag them by their titles, close them, and bring
them back with <i>View</i>.</p>
<p><b>In a plot</b>: point to read values with errors; drag to zoom, wheel to zoom, middle button to move, double click
for the whole; ◀ and ▶ go through what you have looked at. The buttons above a plot hide a curve, their arrows switch
its error bars. <i>Export…</i> writes PNG, SVG, or CSV with errors.</p>
<p><b>Keys</b>: Ctrl+1 … Ctrl+9 show a panel, Ctrl+L the next look (light, dark, control room), F11 the full screen, F1
this page, Ctrl+Q closes the window. Closing it never disturbs the measurement.</p>"""


@dataclass(frozen=True)
class Dock:
    """A widget for the window: `key` names it in saved layouts, `area` is "left" or "right" at first.

    Docks of one `group` share a place as tabs. `live` panels get frames; others look after themselves.
    """

    key: str
    title: str
    widget: QWidget
    area: str
    group: str


class MainWindow(QMainWindow):
    """Shows what `worker` knows in `docks`; `settings` remember layout and theme.

    `closing` are called once when the window closes, after the worker has forgotten it; they stop worker and monitors.
    """

    def __init__(
        self,
        worker: LiveWorker,
        docks: Sequence[Dock],
        settings: QSettings,
        closing: Sequence[Callable[[], object]] = (),
    ) -> None:
        super().__init__()
        self.setWindowTitle("trxas")
        self.setDockNestingEnabled(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.worker, self.settings, self._closing = worker, settings, list(closing)
        self.docks: dict[str, QDockWidget] = {}
        self._contents = list(docks)
        self._panels = [dock.widget for dock in docks if isinstance(dock.widget, Panel)]
        self._logs = [panel for panel in self._panels if isinstance(panel, LogPanel)]
        self._seen: set[Panel] = set()
        self._frame: LiveFrame | None = None
        self._near_layout: QByteArray | None = None
        self._put_away: list[QDockWidget] = []
        self._in_front: list[QDockWidget] = []
        self._judged_at = 0.0
        self.honesty_bar = HonestyBar()
        self.statusBar().addWidget(self.honesty_bar, 1)
        self._add_docks()
        self._add_menus()
        self._arrange()
        self._default = self.saveState(LAYOUT_VERSION)
        self._restore()
        for panel in self._panels:
            panel.requests_changed.connect(functools.partial(self._want, panel))
        self._timer = QTimer(self, interval=REPAINT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()

    def refresh(self) -> None:
        """Show the worker's latest frame in the panels that are seen; costs nothing if nothing changed."""
        appeared = self._watch_panels()
        frame = self.worker.frame
        new = frame is not self._frame
        if new:
            self._frame = frame
            for log in self._logs:
                log.listen(frame)
        for panel in self._seen if new else appeared:
            panel.show_frame(frame)
        self._judge(frame, at_once=new or bool(appeared))

    def show_panel(self, key: str) -> None:
        """Bring a dock to the front."""
        self.docks[key].show()
        self.docks[key].raise_()

    def use_theme(self, name: str) -> None:
        """Change the look, of all windows, and remember it."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)  # a window cannot be without one
        before = current_theme().name
        apply_theme(application, THEMES[name])
        self.settings.setValue("theme", name)
        self._themes[name].setChecked(True)
        if before != name and CONTROL_ROOM.name in (before, name):
            self._show_for_afar(afar=name == CONTROL_ROOM.name)

    def _show_for_afar(self, *, afar: bool) -> None:
        """From 3 m one reads curves and states: the other docks go, and come back with another look."""
        if afar:
            self._near_layout = self.saveState(LAYOUT_VERSION)
            near = [self.docks[content.key] for content in self._contents if content.group not in SEEN_FROM_AFAR]
            self._put_away = [dock for dock in near if not dock.isHidden()]
            self._in_front = [dock for dock in near if not dock.visibleRegion().isEmpty()]
            for dock in self._put_away:
                dock.hide()
            self._widen_left(40)
        else:
            # Not by restoring a layout: that would leave the bars of tabs behind.
            for dock in self._put_away:
                dock.show()
            for dock in self._in_front:
                dock.raise_()
            self._put_away, self._in_front = [], []
            self._share_out()

    def reset_layout(self) -> None:
        """All docks where they were at first."""
        for dock in self.docks.values():
            dock.show()
        self.restoreState(self._default, LAYOUT_VERSION)
        self._share_out()
        self._raise_first_tabs()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember the layout, and stop what was started for this window."""
        self._timer.stop()
        self.settings.setValue("geometry", self.saveGeometry())
        layout = self._near_layout if current_theme() is CONTROL_ROOM else self.saveState(LAYOUT_VERSION)
        self.settings.setValue("layout", layout)
        self.settings.sync()
        for panel in self._panels:
            self.worker.forget(panel)
        closing, self._closing = self._closing, []
        for close in closing:
            try:
                close()
            except TrxasError as error:
                # The window closes all the same; whoever started it reads why something did not let go.
                print(f"trxas gui: {error}")  # noqa: T201
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """A new palette means a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "honesty_bar"):
            self._judged_at = 0.0

    def _watch_panels(self) -> list[Panel]:
        """Ask only for what is seen; returns panels that have just appeared."""
        # Not `isVisible`: a dock behind another tab counts as visible, outside of the window.
        seen = {panel for panel in self._panels if not panel.visibleRegion().isEmpty()}
        if self.isMinimized():
            seen = set()
        appeared, vanished = seen - self._seen, self._seen - seen
        self._seen = seen
        for panel in appeared:
            self._want(panel)
        for panel in vanished:
            self.worker.forget(panel)
        return list(appeared)

    def _want(self, panel: Panel) -> None:
        if panel in self._seen:
            self.worker.want(panel, panel.requests())
            panel.show_frame(self.worker.frame)

    def _judge(self, frame: LiveFrame, *, at_once: bool) -> None:
        now_s = time.monotonic()
        if not at_once and now_s - self._judged_at < HONESTY_S:
            return
        self._judged_at = now_s
        honesty = judge(frame, now_s)
        self.honesty_bar.show_frame(frame, honesty, now_s)
        for panel in self._seen:
            panel.show_honesty(honesty)
        name = f" - scan {frame.run.scan_id} {frame.run.sample}" if frame.run else ""
        title = f"{honesty.word}{name} - trxas"
        if self.windowTitle() != title:
            self.setWindowTitle(title)

    def _add_docks(self) -> None:
        for content in self._contents:
            dock = QDockWidget(content.title, self)
            dock.setObjectName(content.key)
            dock.setTitleBarWidget(DockTitle(dock))
            dock.setWidget(content.widget)
            self.docks[content.key] = dock

    def _arrange(self) -> None:
        areas = {"left": Qt.DockWidgetArea.LeftDockWidgetArea, "right": Qt.DockWidgetArea.RightDockWidgetArea}
        first: dict[str, QDockWidget] = {}
        for content in self._contents:
            if content.group not in first:
                first[content.group] = self.docks[content.key]
                self.addDockWidget(areas[content.area], first[content.group])
        # Every group has its place before it becomes tabs: adding a dock beside tabs would split them.
        for content in self._contents:
            if first[content.group] is not self.docks[content.key]:
                self.tabifyDockWidget(first[content.group], self.docks[content.key])
        self._first_docks = first
        self._raise_first_tabs()

    def _share_out(self) -> None:
        """Give the curves most of the place; only a window that is shown has any."""
        area = {content.group: content.area for content in self._contents}
        lefts, rights = ([dock for group, dock in self._first_docks.items() if area[group] == side] for side in _SIDES)
        self._widen_left(30)
        for docks in (lefts, rights):
            shares = _HEIGHTS.get(len(docks), [100 // max(len(docks), 1)] * len(docks))
            self.resizeDocks(docks, [self.height() * share // 100 for share in shares], Qt.Orientation.Vertical)

    def _raise_first_tabs(self) -> None:
        for group in dict.fromkeys(content.group for content in self._contents):
            key = next(content.key for content in self._contents if content.group == group)
            self.docks[key].raise_()

    def _widen_left(self, per_cent: int) -> None:
        """Share of the left side in the width of the window."""
        visible = [content for content in self._contents if not self.docks[content.key].isHidden()]
        sides = [next((self.docks[c.key] for c in visible if c.area == side), None) for side in _SIDES]
        if sides[0] is not None and sides[1] is not None:
            shares = [self.width() * share // 100 for share in (per_cent, 100 - per_cent)]
            self.resizeDocks([sides[0], sides[1]], shares, Qt.Orientation.Horizontal)

    def _add_menus(self) -> None:
        self._action("&File", "&Close the window", self.close, "Ctrl+Q")
        view = self._menu("&View")
        for place, (key, dock) in enumerate(self.docks.items(), start=1):
            action = dock.toggleViewAction()
            view.addAction(action)
            if place <= 9:
                self._shortcut(f"Ctrl+{place}", functools.partial(self.show_panel, key))
                action.setText(f"{dock.windowTitle()}\tCtrl+{place}")
        view.addSeparator()
        self._action("&View", "&Restore all panels", self.reset_layout, "Ctrl+0")
        self._action("&View", "&Full screen", self._toggle_full_screen, "F11")
        self._add_themes()
        self._action("&Help", "&Short help", self._show_help, "F1")

    def _add_themes(self) -> None:
        view, group = self._menu("&View"), QActionGroup(self)
        view.addSeparator()
        self._themes: dict[str, QAction] = {}
        for name in THEMES:
            action = self._themes[name] = view.addAction(f"Look: {name}")
            action.setCheckable(True)
            action.setChecked(name == current_theme().name)
            action.triggered.connect(lambda _checked, name=name: self.use_theme(name))
            group.addAction(action)
        self._shortcut("Ctrl+L", self._next_theme)

    def _next_theme(self) -> None:
        names = list(THEMES)
        self.use_theme(names[(names.index(current_theme().name) + 1) % len(names)])

    def _restore(self) -> None:
        self.resize(1500, 980)
        geometry, layout = self.settings.value("geometry"), self.settings.value("layout")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self._shared_out = isinstance(layout, QByteArray) and self.restoreState(layout, LAYOUT_VERSION)
        theme = str(self.settings.value("theme", current_theme().name))
        if theme in THEMES and theme != current_theme().name:
            self.use_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """The first time without a remembered layout, share out the place."""
        super().showEvent(event)
        self._hide_stray_bars()
        if not self._shared_out:
            self._shared_out = True
            self._share_out()

    def _hide_stray_bars(self) -> None:
        """Qt leaves bars of tabs behind while docks are put together: with tabs that another one has, across others."""
        bars = self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        tabs = {bar: {bar.tabText(place) for place in range(bar.count())} for bar in bars}
        for bar, own in tabs.items():
            if any(own < other for other in tabs.values()):
                bar.hide()

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _show_help(self) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, "Help", HELP, QMessageBox.StandardButton.Close, self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def _menu(self, title: str) -> Any:
        for action in self.menuBar().actions():
            if action.text() == title:
                return action.menu()
        return self.menuBar().addMenu(title)

    def _action(self, menu: str, text: str, slot: Callable[[], object], key: Any) -> None:
        action = self._menu(menu).addAction(text)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda *_: slot())

    def _shortcut(self, key: str, slot: Callable[[], object]) -> None:
        action = QAction(self)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda *_: slot())
        self.addAction(action)
