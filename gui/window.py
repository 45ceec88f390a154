"""The window: panels in docks, one repaint timer, and a status bar that shows whether the display is live."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qtpy.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence, QShowEvent
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QMessageBox, QTabWidget

from errors import TrxasError
from gui.docking.arrangement import Arrangement
from gui.docking.dock import Dock
from gui.docking.late_dock import LateDock
from gui.live.frame import LiveFrame
from gui.live.worker import LiveWorker
from gui.panels.log import LogPanel
from gui.panels.panel import Panel
from gui.status.bar import LivenessBar
from gui.status.liveness import judge
from gui.theme import CONTROL_ROOM, THEMES, apply_theme, current_theme
from reduction.kinds import kind_of

logger = logging.getLogger(__name__)

REPAINT_MS = 33
"""Interval at which the window looks for panels that have appeared or disappeared; new frames are shown at once."""

LIVENESS_S = 0.25
"""Interval at which ages and states are updated when no document arrives, s."""

SIZE = QSize(1500, 980)
"""Initial size of the window, pixels; it is higher, up to `MOST_HEIGHT`, on screens with room for larger forms."""

MOST_HEIGHT = 1150

LAYOUT_VERSION = 1
"""Saved layouts of another version are not restored."""

HELP = """<h3>The window</h3>
<p>The first line of every panel shows whether its numbers are <b>● LIVE</b>, <b>▶ REPLAY</b>, <b>▲ STALE</b>,
<b>◆ SUSPENDED</b>, <b>■ ENDED</b> or <b>○ NO RUN</b>, and to which run they belong. Panels are docks: drag them by
their titles, close them, and open them again from the <i>View</i> menu.</p>
<p><b>In a plot</b>: point to read values with errors; drag or turn the wheel to zoom, move with the middle button,
double click to show everything; ◀ and ▶ go back and forward through earlier views. The buttons above a plot hide a
curve, their arrows switch its error bars. <i>Export…</i> writes PNG, SVG, or CSV with errors.</p>
<p><b>Keys</b>: Ctrl+1 … Ctrl+9 show a panel, Ctrl+L switches the theme (light, dark, control room), F11 full screen,
F1 this page, Ctrl+Q closes the window. Closing the window never disturbs the measurement.</p>"""


class MainWindow(QMainWindow):
    """The window on `worker`, with `docks`; `settings` remember layout and theme.

    `closing` are called once when the window closes, after the worker has forgotten its panels; they stop worker and
    monitors.

    Every `REPAINT_MS`, and with every frame of the worker, `refresh` is called. A panel is *seen* while a part of it is
    visible on the screen; only seen panels have requests with the worker and get frames. A panel that appears sends its
    requests, and shows the latest frame at once; one that disappears withdraws its requests. The log is the exception:
    it listens to every frame.
    """

    _published = Signal()

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
        self.worker = worker
        self.settings = settings
        self._closing = list(closing)
        self._panels: list[Panel] = []
        self._logs: list[LogPanel] = []
        self._seen: set[Panel] = set()
        self._broken: set[Panel] = set()
        self._frame: LiveFrame | None = None
        self._followed = ""
        self._judged_at = 0.0
        self._near_layout: QByteArray | None = None
        self.liveness_bar = LivenessBar()
        self.statusBar().addWidget(self.liveness_bar, 1)
        self._run_kinds: dict[str, dict[str, tuple[str, ...]]] = {}
        for dock in docks:
            self._run_kinds.setdefault(dock.group, {})[dock.key] = dock.run_kinds
        for dock in docks:
            self._add_panel(dock.widget)
        self._arrangement = Arrangement(self, docks)
        for widget in self.docks.values():
            if isinstance(widget, LateDock):
                widget.made.connect(self._add_panel)
        self._theme_actions = self._make_theme_actions()
        self._follow_action = self._make_follow_action()
        self._add_menus()
        self._default_layout = self.saveState(LAYOUT_VERSION)
        self._room_is_shared_out = self._restore()
        self._timer = QTimer(self, interval=REPAINT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        # Qt brings the signal from the thread of the worker to this one: a frame is shown when it is there, not at the
        # next tick.
        self._published.connect(self.refresh)
        worker.published = self._published.emit

    @property
    def docks(self) -> Mapping[str, QDockWidget]:
        """Qt's dock widgets by their keys."""
        return self._arrangement.widgets

    def refresh(self) -> None:
        """Show the worker's latest frame in the panels that are seen; costs nothing if nothing changed."""
        # First what is seen, because a panel that has just appeared must ask for its answers. Then the latest frame of
        # the worker, to the log in any case, to the seen panels if it is new. Panels that have appeared get the old
        # frame too: they show it instead of being empty for a moment. A turn in which nothing has changed costs some
        # comparisons.
        appeared = self._update_seen()
        frame = self.worker.frame
        new = frame is not self._frame
        if new:
            self._frame = frame
            for log in self._logs:
                log.listen(frame)
            self._follow(frame)
        for panel in list(self._seen) if new else appeared:
            self._show_frame(panel, frame)
        self._show_liveness(frame, at_once=new or bool(appeared))

    def show_panel(self, key: str) -> None:
        """Bring the dock `key` to the front. Raises KeyError for an unknown key."""
        self.docks[key].show()
        self.docks[key].raise_()

    def use_theme(self, name: str) -> None:
        """Change the theme of all windows to `name`, and remember it. Raises KeyError if it is not in `THEMES`."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)  # a window needs one
        # The control room is a layout of its own: fewer docks, larger. The layout before it is remembered, both to come
        # back to it and because it is what must be saved when the window is closed in the control room.
        before = current_theme().name
        apply_theme(application, THEMES[name])
        self.settings.setValue("theme", name)
        self._theme_actions[name].setChecked(True)
        if before == name:
            return
        if name == CONTROL_ROOM.name:
            self._near_layout = self.saveState(LAYOUT_VERSION)
            self._arrangement.show_for_afar()
        elif before == CONTROL_ROOM.name:
            self._arrangement.show_for_near()

    def reset_layout(self) -> None:
        """Put all docks back to where they started, and divide the room by the usual shares in per cent."""
        self._arrangement.show_all()
        self.restoreState(self._default_layout, LAYOUT_VERSION)
        self._arrangement.share_out()
        self._arrangement.raise_first_tabs()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember the layout, and stop all parts that were started for this window.

        A part that does not stop in time raises a TrxasError; it is printed, and the window closes anyway.
        """
        # The order of the end: no repaint any more; the layout is written while the docks still have their places; the
        # worker forgets the panels, so that no request is computed for widgets that are going; then worker, browser and
        # monitors are stopped. Each may take seconds, and one that fails must not keep the others from being stopped.
        # `_closing` is emptied first, because Qt may send a second close event.
        self._timer.stop()
        self.settings.setValue("geometry", self.saveGeometry())
        layout = self._near_layout if current_theme() is CONTROL_ROOM else self.saveState(LAYOUT_VERSION)
        self.settings.setValue("layout", layout)
        self.settings.sync()
        for panel in self._panels:
            self.worker.forget(panel)
        closing = self._closing
        self._closing = []
        for close in closing:
            try:
                close()
            except TrxasError as error:
                # The window closes anyway; the terminal shows what did not stop in time.
                print(f"trxas gui: {error}")  # noqa: T201
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Colour the state again after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._judged_at = 0.0

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Divide the room, in per cent of the window, once, unless a layout was restored."""
        super().showEvent(event)
        # Sizes of docks can be set only once the window has its own size, which is when it is shown. It is shown again
        # after having been minimised, hence the flag.
        self._arrangement.hide_stray_bars()
        if not self._room_is_shared_out:
            self._room_is_shared_out = True
            self._arrangement.share_out()

    def _add_panel(self, widget: object) -> None:
        """Give frames to `widget` from the next refresh on, if it is a panel."""
        if isinstance(widget, Panel):
            self._panels.append(widget)
            widget.requests_changed.connect(functools.partial(self._update_requests, widget))
        if isinstance(widget, LogPanel):
            self._logs.append(widget)

    def _update_seen(self) -> list[Panel]:
        """Find the panels that are seen, request answers for them only, and return those that have just appeared."""
        # Not `isVisible`: a dock behind another tab counts as visible, outside of the window.
        seen = {panel for panel in self._panels if not panel.visibleRegion().isEmpty()}
        if self.isMinimized():
            seen = set()
        appeared = seen - self._seen
        disappeared = self._seen - seen
        self._seen = seen
        for panel in appeared:
            self._update_requests(panel)
        for panel in disappeared:
            self.worker.forget(panel)
        return list(appeared)

    def _update_requests(self, panel: Panel) -> None:
        if panel in self._seen:
            self.worker.want(panel, panel.requests())
            self._show_frame(panel, self.worker.frame)

    def _follow(self, frame: LiveFrame) -> None:
        """Bring a panel that shows the new run to the front in each group, unless one is visible there already.

        It does so once per run: a user who opens another panel during the run stays there. Closed panels stay closed.
        """
        uid = frame.run.uid if frame.run else ""
        if uid == self._followed:
            return
        self._followed = uid
        if frame.run is None or not self._follow_action.isChecked():
            return
        kind = kind_of(frame.run.start).name
        seen = {panel.key for panel in self._seen}
        for kinds in self._run_kinds.values():
            suitable = [key for key, made_for in kinds.items() if kind in made_for and not self.docks[key].isHidden()]
            if suitable and not seen.intersection(suitable):
                self.docks[suitable[0]].raise_()

    def _show_frame(self, panel: Panel, frame: LiveFrame) -> None:
        """Show `frame` in one panel; a panel that fails shows that, and gets no more frames."""
        if panel in self._broken:
            return
        try:
            panel.show_frame(frame)
        except Exception as error:
            # A defect in one panel, which may be another package's, must not keep the others from being drawn.
            self._broken.add(panel)
            logger.exception("The panel %s cannot show the run, and is left as it is.", panel.title)
            panel.heading.show_problem(f"{type(error).__name__}: {error}")

    def _show_liveness(self, frame: LiveFrame, *, at_once: bool) -> None:
        now_s = time.monotonic()
        if not at_once and now_s - self._judged_at < LIVENESS_S:
            return
        self._judged_at = now_s
        liveness = judge(frame, now_s)
        self.liveness_bar.show_frame(frame, liveness, now_s)
        for panel in self._seen - self._broken:
            panel.show_liveness(liveness)
        name = f" - scan {frame.run.scan_id} {frame.run.sample}".rstrip() if frame.run else ""
        title = f"{liveness.word}{name} - trxas"
        if self.windowTitle() != title:
            self.setWindowTitle(title)

    def _add_menus(self) -> None:
        self._add_action("&File", "&Close the window", self.close, "Ctrl+Q")
        view = self._menu("&View")
        for place, (key, dock) in enumerate(self.docks.items(), start=1):
            action = dock.toggleViewAction()
            view.addAction(action)
            if place <= 9:
                self._add_shortcut(f"Ctrl+{place}", functools.partial(self.show_panel, key))
                action.setText(f"{dock.windowTitle()}\tCtrl+{place}")
        view.addSeparator()
        view.addAction(self._follow_action)
        self._add_action("&View", "&Restore all panels", self.reset_layout, "Ctrl+0")
        self._add_action("&View", "&Full screen", self._toggle_full_screen, "F11")
        view.addSeparator()
        view.addActions(list(self._theme_actions.values()))
        self._add_shortcut("Ctrl+L", self._use_next_theme)
        self._add_action("&Help", "&Quick help", self._show_help, "F1")

    def _make_theme_actions(self) -> dict[str, QAction]:
        group = QActionGroup(self)
        actions: dict[str, QAction] = {}
        for name in THEMES:
            action = QAction(f"Theme: {name}", group)
            action.setCheckable(True)
            action.setChecked(name == current_theme().name)
            action.triggered.connect(lambda _checked, name=name: self.use_theme(name))
            actions[name] = action
        return actions

    def _make_follow_action(self) -> QAction:
        action = QAction("Show the panel of each new run", self)
        action.setCheckable(True)
        action.setChecked(bool(self.settings.value("follow_runs", defaultValue=True, type=bool)))
        action.toggled.connect(lambda checked: self.settings.setValue("follow_runs", checked))
        return action

    def _use_next_theme(self) -> None:
        names = list(THEMES)
        self.use_theme(names[(names.index(current_theme().name) + 1) % len(names)])

    def _restore(self) -> bool:
        """Restore size, layout and theme as remembered; return whether there was a layout."""
        self.resize(SIZE.width(), max(SIZE.height(), min(MOST_HEIGHT, self.screen().availableGeometry().height())))
        geometry = self.settings.value("geometry")
        layout = self.settings.value("layout")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        restored = isinstance(layout, QByteArray) and self.restoreState(layout, LAYOUT_VERSION)
        theme = str(self.settings.value("theme", current_theme().name))
        if theme in THEMES and theme != current_theme().name:
            self.use_theme(theme)
        return restored

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

    def _add_action(self, menu: str, text: str, slot: Callable[[], object], key: Any) -> None:
        action = self._menu(menu).addAction(text)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda *_: slot())

    def _add_shortcut(self, key: str, slot: Callable[[], object]) -> None:
        action = QAction(self)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda *_: slot())
        self.addAction(action)
