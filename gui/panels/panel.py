"""The base of all panels: a heading that names the run, and redrawing of changed answers only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui.live.frame import LiveFrame
from gui.live.request import Answer, Request
from gui.live.words import progress_text, run_text
from gui.panels.context import PanelContext
from gui.plots.axis import DELAY, ENERGY, FLUENCE, Quantity
from gui.plots.canvas import NO_DATA
from gui.plots.line_plot import LinePlot
from gui.plots.move_menu import MoveMenu
from gui.status.liveness import Liveness
from gui.theme import current_theme
from gui.types import Severity, Side

T = TypeVar("T")

SCANS = {quantity.column: quantity.name for quantity in (ENERGY, DELAY, FLUENCE)}
"""Names of scans, by the event field that they scan."""


class AnswerSlot(Generic[T]):
    """The answer that is on the screen, so that the same answer is not drawn twice."""

    _NOTHING = object()

    def __init__(self) -> None:
        self._shown: object = self._NOTHING

    def changed(self, frame: LiveFrame, request: Request[T]) -> bool:
        """Return whether the answer to `request` in `frame` differs from the last one, and remember it.

        Answers are compared by identity, which takes no time even for large arrays: a new computation is a new answer.
        """
        answer = frame.answer(request)
        # A frame holds the same answer object until the request is computed again, so that identity tells whether there
        # is anything to draw. The first call always draws: a panel that appears shows why it is still empty.
        if answer is self._shown:
            return False
        self._shown = answer
        return True


class ElidedLabel(QLabel):
    """A line of text that is cut with dots where it does not fit; the tool tip shows the whole text."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw as much of the text as fits."""
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)


class Heading(QWidget):
    """The heading of a panel: the state as shape and word, and the run."""

    def __init__(self) -> None:
        super().__init__()
        self.state = QLabel("○ NO RUN")
        self.run = ElidedLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 0)
        layout.addWidget(self.state)
        layout.addWidget(self.run, 1)

    def show_state(self, text: str, severity: Severity, reason: str = "") -> None:
        """Show `text`, a shape and a word, in the colour of `severity`, with `reason` as tool tip."""
        style = f"font-weight: bold; color: {current_theme().state_colour(severity)};"
        # Qt polishes a widget again whenever its style sheet is set, even to an equal one; this runs in every frame.
        if self.state.text() != text or self.state.styleSheet() != style:
            self.state.setText(text)
            self.state.setStyleSheet(style)
        self.state.setToolTip(reason)

    def show_problem(self, reason: str) -> None:
        """Show that the panel has failed, for the `reason`; the terminal has the traceback."""
        self.show_state("■ BROKEN", "bad", f"{reason}. The terminal has the traceback.")

    def show_run(self, frame: LiveFrame) -> None:
        """Show the name of the run and its progress."""
        text = f"{run_text(frame.run)}   {progress_text(frame)}" if frame.run else ""
        if self.run.text() != text:
            self.run.setText(text)
            self.run.setToolTip(text)


class Panel(QWidget):
    """Base of the panels. Subclasses set `title` and `key` (the name in saved layouts), and override the hooks.

    `side`, `group` and `position` determine where the panel starts in the window: on the left or right side, as a
    tab of its group, and in which order. `run_kinds` names the kinds of runs that the panel is made for: when such
    a run begins and no panel for it is seen, it comes to the front. A panel is made when it is first seen, or with the
    window if `made_at_once`. `requests` returns the requests to the live worker, `draw` shows the answers of a frame;
    both run in the GUI thread, `draw` only while the panel is visible. Signal `requests_changed()`: `requests` now
    returns something else.
    """

    title: ClassVar[str]
    key: ClassVar[str]
    side: ClassVar[Side] = "right"
    group: ClassVar[str] = "curves"
    position: ClassVar[int] = 100
    run_kinds: ClassVar[tuple[str, ...]] = ()
    made_at_once: ClassVar[bool] = False

    requests_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.heading = Heading()
        self.body = QVBoxLayout()
        self._uid = ""
        self._watermark = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.heading)
        layout.addLayout(self.body, 1)

    @classmethod
    def for_beamline(cls, context: PanelContext) -> Panel:  # noqa: ARG003  # most panels need nothing of the beamline
        """Return a panel for the beamline in `context`."""
        return cls()

    def requests(self) -> Collection[Request[Any]]:
        """Return the current requests, which must be frozen: equal requests of two panels are computed once."""
        return ()

    def plots(self) -> Iterable[LinePlot]:
        """Return the plots, which are marked when they are not live: STALE after some seconds, or DISCONNECTED."""
        return ()

    def move_menus(self) -> Iterable[MoveMenu]:
        """Return the menus by which an axis of the beamline is moved from a plot."""
        return ()

    def forget_run(self) -> None:
        """Remove the numbers of the previous run when another one starts, so that they never appear under its name."""

    def draw(self, frame: LiveFrame) -> None:
        """Show the answers of `frame` that have changed.

        Called up to 30 times per second while the panel is visible, in the GUI thread: nothing may be computed here.
        Raises NotImplementedError unless a subclass overrides it.
        """
        raise NotImplementedError

    def show_frame(self, frame: LiveFrame) -> None:
        """Show `frame` in heading and body, up to 30 times per second while the panel is visible."""
        # Before anything is drawn: answers of the new run come later than its name, and the old numbers must not stand
        # below it meanwhile.
        uid = frame.run.uid if frame.run else ""
        if uid != self._uid:
            self._uid = uid
            self.forget_run()
        self.heading.show_run(frame)
        for plot in self.plots():
            # Set in every frame, as a user may export a plot at any moment; the remarks then state the exposures so
            # far.
            plot.remarks = remarks_of(frame)
        self.draw(frame)

    def show_liveness(self, liveness: Liveness) -> None:
        """Show whether the panel is live; plots that are not are dimmed and carry the word."""
        self.heading.show_state(f"{liveness.shape} {liveness.word}", liveness.severity, liveness.reason)
        if liveness.watermark != self._watermark:
            self._watermark = liveness.watermark
            for plot in self.plots():
                plot.mark(self._watermark)

    def apply_theme(self) -> None:
        """Apply colours of the theme that are not in Qt's palette."""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.apply_theme()


def remarks_of(frame: LiveFrame) -> list[str]:
    """Return the lines at the top of an exported table, which identify the run: uid, names, counts of exposures."""
    if frame.run is None:
        return []
    feed = "live" if frame.feed.live else "replayed"
    return [f"run {frame.run.uid}", run_text(frame.run), f"{progress_text(frame)}, {feed}"]


def scanned_axis(frame: LiveFrame) -> str:
    """Return the event field of the scanned axis, "" if the run scans none."""
    grid = frame.run.start.get("grid", {}) if frame.run else {}
    return str(grid.get("axis", "")) if isinstance(grid, Mapping) else ""


def other_kind(frame: LiveFrame, axis: Quantity) -> str:
    """Return why a panel for scans over `axis` cannot show this run; "" if it can, or if there is no run."""
    scanned = scanned_axis(frame)
    if frame.run is None or scanned == axis.column:
        return ""
    this = f"This run scans the {SCANS[scanned]}" if scanned in SCANS else "This run is not a pump-probe scan"
    if len(axes := frame.run.start.get("grid", {}).get("axes", ())) > 1:
        this = f"This run scans {' and '.join(SCANS.get(one, one) for one in axes)} together"
    return f"{this}; this panel shows scans of the {axis.name}."


def problem_of(answer: Answer[Any] | None) -> str:
    """Return why there is nothing to draw; "" if there is something."""
    if answer is None:
        return NO_DATA
    return answer.problem if answer.value is None else ""
