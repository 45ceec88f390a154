"""The run browser: find, overlay, inspect and replay stored runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSplitter,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from errors import InputError
from gui.browser.background import Background
from gui.browser.metadata_view import MetadataView
from gui.browser.night import Night, NightAnswer
from gui.browser.overlay import DrawnRun, Overlay
from gui.browser.replay_bar import ReplayBar
from gui.browser.run_curves import CurveChoice, RunCurve, run_curve
from gui.browser.run_index import RunIndex
from gui.browser.run_table import EDITABLE, RunTable, run_label
from gui.browser.search import HINT, ListedRun, parse_search
from gui.live.feed import Feed
from gui.live.worker import LiveWorker
from gui.message_line import MessageLine
from gui.plots.styles import series_style
from storage import Store
from storage.documents import NamedDocument

REFRESH_S = 3.0
"""How often the list is read, and runs that still grow are reduced, while the browser is visible."""

AT_FIRST = 50
"""Number of the newest runs that are shown before all others have been read."""

MOST_DRAWN = 12
"""Largest number of runs in the plot: with more, colours and markers are hard to tell apart."""


EXPORT_FORMATS = {"NeXus": "nexus", "XDI": "xdi", "HDF5": "hdf5", "CSV": "csv"}
"""Formats of exported runs, by their names in the menu."""


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
        self._drawn: dict[str, int] = {}
        self._curves: dict[str, RunCurve] = {}
        self._problems: dict[str, str] = {}
        self._first_list = True
        self._catalogue = catalogue
        self._numbers = numbers
        self._unfinished: set[str] = set()
        self._left_out = 0
        self.search = _search_line(self)
        self.model = RunTable(self)
        self.table = _table_view(self.model, self)
        self.count = QLabel(self)
        self.message = MessageLine(self)
        self.overlay = Overlay(self)
        self.metadata = MetadataView(self)
        self.replay_button = QPushButton("Replay", self)
        self.replay_button.setToolTip("Replay the selected run in the live panels.")
        self.settings_button = QPushButton("Measure again…", self)
        self.settings_button.setToolTip("Open the settings of the selected run in the form of its plan.")
        self.save_button = QPushButton("Save table…", self)
        self.save_button.setToolTip("Save the shown runs, with results and notes, as Markdown, CSV or HTML.")
        self.export_button = QPushButton("Export runs", self)
        self.export_button.setToolTip("Write the selected runs as files for other programs.")
        self.export_button.setMenu(self._export_menu())
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
        return list(self._drawn)

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
        for uid in self._drawn:
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
        """Return a size in pixels with room for list and plot side by side."""
        return QSize(1100, 560)

    def _show_first(self, runs: Sequence[ListedRun]) -> None:
        self._show_list(runs)
        if self._catalogue:
            self._jobs.ask("everything", self._index.everything, self._show_list, self._show_problem)

    def _show_list(self, runs: Sequence[ListedRun]) -> None:
        # A run that was still growing when it was reduced is reduced once more when the list shows it as ended: its
        # last points came after the last reduction. `_unfinished` remembers these runs; while they run, `refresh`
        # reduces them.
        self.model.show_runs(runs)
        self._show_count()
        if self._numbers:
            self._fill_in()
        for uid in self._drawn:
            run = self.model.run(uid)
            if run is not None and run.summary.status != "running" and uid in self._unfinished:
                self._unfinished.discard(uid)
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

    def _save_table(self) -> None:
        rows = self.model.night_rows()
        given, _ = QFileDialog.getSaveFileName(
            self, "Save the table", "night.html", "HTML (*.html);;Markdown (*.md);;CSV (*.csv)"
        )
        if given:
            self._jobs.ask("save", lambda: self._night.save(Path(given), rows), lambda _: None, self._show_problem)

    def _export_menu(self) -> QMenu:
        menu = QMenu(self)
        for combine in (False, True):
            for name, file_format in EXPORT_FORMATS.items():
                action = menu.addAction(f"{name}, combined" if combine else name)
                action.triggered.connect(functools.partial(self._export, file_format, combine=combine))
            menu.addSeparator()
        return menu

    def _export(self, file_format: str, *_checked: bool, combine: bool) -> None:
        uids = self.selected
        if not uids:
            self.message.show_message("Select the runs to export in the list.", "warning")
            self.message.show()
            return
        folder = QFileDialog.getExistingDirectory(self, "Folder for the exported runs")
        if folder:
            self._jobs.ask(
                "export",
                lambda: self._index.export(uids, file_format, Path(folder), combine=combine),
                self._show_exported,
                self._show_problem,
            )

    def _show_exported(self, paths: Sequence[Path]) -> None:
        self.message.show_message(f"Exported: {', '.join(path.name for path in paths)} in {paths[0].parent}")
        self.message.show()

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
        """Draw the runs that are selected.

        `_drawn` maps the uid of each drawn run to its place, which gives colour and marker. Invariants: places are
        unique and below `MOST_DRAWN`; a run keeps its place while it is selected; `_curves` and `_problems` have
        entries of drawn runs only, at most one of both for each. A drawn run in neither is being reduced; `_take` adds
        the result, unless the run was deselected meanwhile. A reset of the list clears Qt's selection, and
        `_select_again` restores it from `_drawn`.
        """
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        uids = [self.model.runs[row].summary.uid for row in rows]
        kept = {uid: place for uid, place in self._drawn.items() if uid in uids}
        for uid in uids:
            if uid not in kept and len(kept) < MOST_DRAWN:
                # The lowest free place.
                kept[uid] = next(place for place in range(MOST_DRAWN) if place not in kept.values())
        self._drawn = kept
        self._left_out = len(set(uids) - kept.keys())
        self._curves = {uid: curve for uid, curve in self._curves.items() if uid in kept}
        self._problems = {uid: words for uid, words in self._problems.items() if uid in kept}
        self.model.mark({uid: series_style(place) for uid, place in kept.items()})
        self.replay_button.setEnabled(len(kept) == 1 and self.replay_bar is not None)
        self.settings_button.setEnabled(len(kept) == 1)
        run = self.model.run(next(iter(kept))) if kept else None
        self.metadata.show_document({} if run is None else run.start)
        if run is not None:
            self.overlay.choices.offer_gates_of(run.start)
        for uid in kept:
            if uid not in self._curves and uid not in self._problems:
                self._reduce(uid)
        self._draw()

    def _select_again(self) -> None:
        """Restore the selection after a reset of the list, for runs that are still shown."""
        # Qt forgets its selection when the model is reset, and reports every change of it by a signal that leads to
        # `_follow_selection`. All rows are therefore selected in one step: row by row, the first report would drop the
        # other runs from `_drawn`, and with them their curves and colours. The call at the end is for the case that
        # nothing was selected, of which Qt reports nothing.
        selection = QItemSelection()
        for row in (self.model.row_of(uid) for uid in self._drawn):
            if row >= 0:
                selection.select(self.model.index(row, 0), self.model.index(row, len(self.model.titles) - 1))
        self.table.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._follow_selection()

    def _reduce_all(self) -> None:
        self._curves.clear()
        self._problems.clear()
        for uid in self._drawn:
            self._reduce(uid)
        self._draw()

    def _reduce(self, uid: str) -> None:
        run = self.model.run(uid)
        if run is not None and run.summary.status == "running":
            self._unfinished.add(uid)
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
        if uid not in self._drawn:
            return
        self._curves.pop(uid, None)
        self._problems.pop(uid, None)
        if curve is None:
            self._problems[uid] = problem
        else:
            self._curves[uid] = curve
        self._draw()

    def _draw(self) -> None:
        drawn = []
        waiting = len(self._drawn) - len(self._curves) - len(self._problems)
        for uid, place in self._drawn.items():
            run = self.model.run(uid)
            if run is not None and (uid in self._curves or uid in self._problems):
                curve = self._curves.get(uid)
                problem = self._problems.get(uid, "")
                drawn.append(
                    DrawnRun(uid=uid, label=run_label(run), style=series_style(place), curve=curve, problem=problem)
                )
        self.overlay.show_runs(drawn, waiting=waiting, left_out=self._left_out)

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

    def _connect(self) -> None:
        self.search.textChanged.connect(self._search_changed)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._follow_selection())
        self.model.modelReset.connect(self._select_again)
        self.overlay.choice_changed.connect(self._reduce_all)
        self.replay_button.clicked.connect(self._replay)
        self.settings_button.clicked.connect(self._choose_settings)
        self.table.doubleClicked.connect(self._double_clicked)
        self.model.note_edited.connect(self._change_note)
        self.save_button.clicked.connect(self._save_table)
        self.recompute_button.clicked.connect(lambda: self._fill_in(recompute=True))
        self._timer.timeout.connect(self.refresh)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.count, stretch=1)
        row.addWidget(self.recompute_button)
        row.addWidget(self.save_button)
        row.addWidget(self.export_button)
        row.addWidget(self.settings_button)
        row.addWidget(self.replay_button)
        left = QWidget(self)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.search, self.table, self.message):
            column.addWidget(widget)
        column.addLayout(row)
        self.message.hide()
        tabs = QTabWidget(self)
        tabs.addTab(self.overlay, "Curves")
        tabs.addTab(self.metadata, "Metadata")
        split = QSplitter(Qt.Orientation.Horizontal, self)
        split.addWidget(left)
        split.addWidget(tabs)
        split.setSizes([540, 660])
        layout = QVBoxLayout(self)
        layout.addWidget(split, stretch=1)
        if self.replay_bar is not None:
            layout.addWidget(self.replay_bar)


def _search_line(parent: QWidget) -> QLineEdit:
    line = QLineEdit(parent)
    line.setPlaceholderText('Search: CsPbBr3 edge="Br K"')
    line.setToolTip(f"Words, and conditions on any metadata:\n{HINT}")
    line.setClearButtonEnabled(True)
    return line


def _table_view(model: RunTable, parent: QWidget) -> QTableView:
    table = QTableView(parent)
    table.setModel(model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    # An upper limit: markers are drawn in the size of the theme.
    table.setIconSize(QSize(96, 48))
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    return table
