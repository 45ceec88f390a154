"""The run browser: find, overlay, inspect and replay stored runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QTabWidget, QVBoxLayout, QWidget

from errors import InputError
from gui.browser.background import Background
from gui.browser.drawn_runs import DrawnRuns
from gui.browser.metadata_view import MetadataView
from gui.browser.night import Night, NightAnswer
from gui.browser.overlay import Overlay
from gui.browser.replay_bar import ReplayBar
from gui.browser.run_cells import run_label
from gui.browser.run_curves import CurveChoice, RunCurve, choices_of, run_curve
from gui.browser.run_files import RunFiles
from gui.browser.run_index import RunIndex
from gui.browser.run_table import EDITABLE, RunTable
from gui.browser.run_widgets import search_line, table_view
from gui.browser.search import ListedRun, parse_search
from gui.live.feed import Feed
from gui.live.worker import LiveWorker
from gui.message_line import MessageLine
from storage import Store
from storage.documents import NamedDocument

REFRESH_S = 3.0
"""Interval at which a visible browser reads the list, and reduces runs that still grow, s."""

AT_FIRST = 50
"""Number of the newest runs that are shown before all others have been read."""


class RunBrowser(QWidget):
    """Table and plot of the runs of `store`; a function is called whenever the current store is needed.

    With `worker` and its `live` feed, runs can be replayed in the live panels. The store is read only while the browser
    is visible; apart from notes on runs and the numbers of their rows nothing is written. Without `catalogue` the
    catalogue, which takes seconds to open, is not used, and only runs with a journal are shown. Without `numbers` no
    run is reduced before it is selected. Call `close_jobs` when the window closes.

    Signal `settings_chosen(dict)`: start document of a run whose settings are wanted in the form of a new plan.
    """

    settings_chosen = Signal(dict)

    def __init__(
        self,
        store: Store | Callable[[], Store],
        worker: LiveWorker | None = None,
        live: Feed | None = None,
        parent: QWidget | None = None,
        *,
        refresh_s: float = REFRESH_S,
        catalogue: bool = True,
        numbers: bool = True,
    ) -> None:
        super().__init__(parent)
        self._index = RunIndex(store)
        self._night = Night(store)
        self._jobs = Background(self)
        self._drawn = DrawnRuns()
        self._first_list = True
        self._catalogue = catalogue
        self._numbers = numbers
        self.search = search_line(self)
        self.model = RunTable(self)
        self.table = table_view(self.model, self)
        self.count = QLabel(self)
        self.message = MessageLine(self)
        self.overlay = Overlay(self)
        self.metadata = MetadataView(self)
        self.replay_button = self._button("Replay", "Replay the selected run in the live panels.")
        self.settings_button = self._button(
            "Measure again…", "Open the settings of the selected run in the form of its plan."
        )
        self.files = RunFiles(
            self._jobs,
            self._index,
            self._night,
            selected=lambda: self.selected,
            rows=self.model.night_rows,
            message=self.message,
            parent=self,
        )
        self.recompute_button = QPushButton("Recompute columns", self)
        self.recompute_button.hide()
        self.replay_bar = ReplayBar(worker, live, self) if worker is not None and live is not None else None
        self._timer = QTimer(self, interval=round(1000 * refresh_s))
        self._lay_out()
        self._connect()
        self._follow_selection()

    def close_jobs(self) -> None:
        """End all reading; return when the threads have ended, which may take seconds."""
        self._timer.stop()
        self._jobs.close()

    @property
    def is_reading(self) -> bool:
        """Whether the list is refreshed every few seconds, which it is while the browser is visible."""
        return self._timer.isActive()

    @property
    def selected(self) -> list[str]:
        """Uids of the drawn runs, in the order in which they were selected."""
        return self._drawn.uids

    def select_run(self, uid: str) -> None:
        """Select the run `uid` and clear a search that hides it.

        A message appears if the run is not in the list yet, which is read every 3 s.
        """
        if self.model.row_of(uid) < 0:
            self.search.clear()
        row = self.model.row_of(uid)
        if row < 0:
            self.message.show_message(f"Run {uid[:8]} is not in the list yet.", "warning")
            self.message.show()
            return
        self.table.selectRow(row)
        self.table.scrollTo(self.model.index(row, 0))

    def refresh(self) -> None:
        """Read the list again, and the drawn runs that are still being measured; both in threads.

        Nothing is requested again while it is still being read, so that requests do not pile up on slow storage. Read
        errors are shown as a message.
        """
        # The list is read in up to three steps, whose results arrive in their order: "first", the newest runs from
        # their journals; "list", all journals, again and again; "everything", with the runs that only the catalogue
        # has, once. While the first or a list is being read, no other one is asked for: a later job of the same key
        # would make the result of the running one obsolete, and on slow storage the list would never be shown.
        if not any(map(self._jobs.is_busy, ("first", "list"))):
            self._jobs.ask("list", self._index.journals, self._show_list, self._show_problem)
        for uid in self.selected:
            run = self.model.run(uid)
            if run is not None and run.summary.status == "running" and not self._jobs.is_busy(("curve", uid)):
                self._reduce(uid)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Start to read: first the newest runs, then all runs, then those that only the catalogue has."""
        super().showEvent(event)
        if self._first_list:
            self._first_list = False
            self._jobs.ask("first", lambda: self._index.journals(AT_FIRST), self._show_first, self._show_problem)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Stop reading while the browser is hidden."""
        super().hideEvent(event)
        self._timer.stop()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels with room for the night's table above the plot."""
        return QSize(1100, 620)

    def _show_first(self, runs: Sequence[ListedRun]) -> None:
        self._show_list(runs)
        if self._catalogue:
            self._jobs.ask("everything", self._index.everything, self._show_list, self._show_problem)

    def _show_list(self, runs: Sequence[ListedRun]) -> None:
        # A run that was still growing when it was reduced is reduced once more when the list shows it as ended: its
        # last points came after the last reduction. `DrawnRuns` remembers these runs; while they run, `refresh` reduces
        # them.
        self.model.show_runs(runs)
        self._show_count()
        if self._numbers:
            self._fill_in()
        for uid in self.selected:
            run = self.model.run(uid)
            if run is not None and run.summary.status != "running" and self._drawn.take_unfinished(uid):
                self._reduce(uid)

    def _fill_in(self, *, recompute: bool = False) -> None:
        """Compute the numbers of the listed runs, a few at a time, the newest first."""
        summaries = [run.summary for run in self.model.runs]
        if recompute or not self._jobs.is_busy("night"):
            self._jobs.ask(
                "night",
                lambda: self._night.rows(summaries, recompute=recompute),
                self._show_night,
                self._show_problem,
            )

    def _show_night(self, answer: NightAnswer) -> None:
        self.model.show_night(answer.rows, answer.columns)
        self.recompute_button.setVisible(bool(answer.remarks))
        self.recompute_button.setToolTip("\n".join(answer.remarks))
        if not answer.is_complete:
            self._fill_in()

    def _change_note(self, uid: str, column: str, text: str) -> None:
        # Not one key for all: a later change of another cell must not drop the message on this one.
        self._jobs.ask(
            ("note", uid, column),
            lambda: self._night.change(uid, column, text),
            lambda _: self.refresh(),
            self._show_problem,
        )

    def _show_count(self) -> None:
        shown = len(self.model.runs)
        self.count.setText(f"{shown} run{'s' if shown != 1 else ''}")

    def _show_problem(self, words: str) -> None:
        self.message.show_message(words, "bad")
        self.message.show()

    def _search_changed(self, text: str) -> None:
        try:
            search = parse_search(text)
        except InputError as error:
            self.message.show_message(str(error), "warning")
            self.message.show()
            return
        self.message.hide()
        self.model.show_fitting(search)
        self._show_count()

    def _follow_selection(self) -> None:
        """Draw the runs that are selected; a reset of the list clears Qt's selection, see `_select_again`."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        self._drawn.select([self.model.runs[row].summary.uid for row in rows])
        drawn = self.selected
        self.model.mark(self._drawn.styles)
        self.replay_button.setEnabled(len(drawn) == 1 and self.replay_bar is not None)
        self.settings_button.setEnabled(len(drawn) == 1)
        run = self.model.run(drawn[0]) if drawn else None
        self.metadata.show_document({} if run is None else run.start)
        if run is not None:
            self.overlay.choices.offer_gates_of(run.start)
        self._offer_choices()
        for uid in self._drawn.waiting:
            self._reduce(uid)
        self._draw()

    def _offer_choices(self) -> None:
        runs = [run for run in map(self.model.run, self.selected) if run is not None]
        if runs:
            # In a thread: the kinds of runs are imported when first asked for, which takes seconds.
            starts = [run.start for run in runs]
            self._jobs.ask("choices", lambda: choices_of(starts), self.overlay.offer, self._show_problem)

    def _select_again(self) -> None:
        """Restore the selection after a reset of the list, for runs that are still shown."""
        # Qt forgets its selection when the model is reset, and reports every change of it by a signal that leads to
        # `_follow_selection`. All rows are therefore selected in one step: row by row, the first report would drop the
        # other runs from `_drawn`, and with them their curves and colours. The call at the end is for the case that
        # nothing was selected, of which Qt reports nothing.
        selection = QItemSelection()
        for row in (self.model.row_of(uid) for uid in self.selected):
            if row >= 0:
                selection.select(self.model.index(row, 0), self.model.index(row, len(self.model.titles) - 1))
        self.table.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._follow_selection()

    def _reduce_all(self) -> None:
        self._drawn.forget_curves()
        for uid in self.selected:
            self._reduce(uid)
        self._draw()

    def _reduce(self, uid: str) -> None:
        run = self.model.run(uid)
        if run is not None and run.summary.status == "running":
            self._drawn.note_unfinished(uid)
        # The choice is read here, in the GUI thread: the job runs later in another thread, which must not touch
        # widgets. If the user makes another choice meanwhile, all drawn runs are asked for again, which makes this job
        # obsolete.
        choice = self.overlay.choice
        self._jobs.ask(
            ("curve", uid),
            lambda: self._curve(uid, choice),
            lambda curve: self._take(uid, curve, ""),
            lambda words: self._take(uid, None, words),
        )

    def _curve(self, uid: str, choice: CurveChoice) -> RunCurve:
        return run_curve(self._index.documents(uid), choice)

    def _take(self, uid: str, curve: RunCurve | None, problem: str) -> None:
        if self._drawn.take(uid, curve, problem):
            self._draw()

    def _draw(self) -> None:
        runs = {uid: self.model.run(uid) for uid in self.selected}
        labels = {uid: run_label(run) for uid, run in runs.items() if run is not None}
        self.overlay.show_runs(
            self._drawn.shown(labels), waiting=len(self._drawn.waiting), left_out=self._drawn.left_out
        )

    def _replay(self) -> None:
        uids = self.selected
        run = self.model.run(uids[0]) if len(uids) == 1 else None
        if run is None or self.replay_bar is None:
            return
        bar = self.replay_bar
        name = f"scan {run_label(run)}"

        def begin(documents: Sequence[NamedDocument]) -> None:
            self.message.hide()
            bar.replay(documents, name)

        self.message.show_message(f"Reading {name} …")
        self.message.show()
        self._jobs.ask("replay", lambda: self._index.documents(uids[0]), begin, self._show_problem)

    def _choose_settings(self) -> None:
        run = self.model.run(self.selected[0]) if len(self.selected) == 1 else None
        if run is not None:
            self.settings_chosen.emit(dict(run.start))

    def _double_clicked(self, index: QModelIndex) -> None:
        # In the columns of notes a double click begins to edit.
        if self.model.titles[index.column()] not in EDITABLE:
            self._replay()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        return button

    def _connect(self) -> None:
        self.search.textChanged.connect(self._search_changed)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._follow_selection())
        self.model.modelReset.connect(self._select_again)
        self.overlay.choice_changed.connect(self._reduce_all)
        self.replay_button.clicked.connect(self._replay)
        self.settings_button.clicked.connect(self._choose_settings)
        self.table.doubleClicked.connect(self._double_clicked)
        self.model.note_edited.connect(self._change_note)
        self.recompute_button.clicked.connect(lambda: self._fill_in(recompute=True))
        self._timer.timeout.connect(self.refresh)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.count, stretch=1)
        row.addWidget(self.recompute_button)
        row.addWidget(self.files.save)
        row.addWidget(self.files.export)
        row.addWidget(self.settings_button)
        row.addWidget(self.replay_button)
        top = QWidget(self)
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.search, self.table, self.message):
            column.addWidget(widget)
        column.addLayout(row)
        self.message.hide()
        tabs = QTabWidget(self)
        tabs.addTab(self.overlay, "Curves")
        tabs.addTab(self.metadata, "Metadata")
        # One above the other: the night's table needs the whole width.
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.addWidget(top)
        split.addWidget(tabs)
        split.setSizes([260, 300])
        layout = QVBoxLayout(self)
        layout.addWidget(split, stretch=1)
        if self.replay_bar is not None:
            layout.addWidget(self.replay_bar)
