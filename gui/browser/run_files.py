"""Files from the browser: the table of the night, and runs for other programs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from errors import InputError
from gui.browser.background import Background
from gui.browser.night import Night
from gui.browser.run_index import RunIndex
from gui.message_line import MessageLine
from gui.types import Severity
from storage.documents import NamedDocument
from storage.table.night_table import NightRow

WriteFigure: TypeAlias = Callable[[Path, str, Sequence[NamedDocument]], str]
"""Draws the documents of a run into a folder, under a name; returns the name of the picture, "" without one."""

EXPORT_FORMATS = {"NeXus": "nexus", "XDI": "xdi", "HDF5": "hdf5", "CSV": "csv"}
"""Formats of exported runs, by their names in the menu."""


class RunFiles(QObject):
    """The buttons `save` (the table) and `export` (runs), which write in a thread of `jobs`.

    `selected` returns the uids of the runs to export, `rows` those of the table. Results and errors appear in
    `message`. Figures are offered once `draw_with` has been called.
    """

    def __init__(
        self,
        jobs: Background,
        index: RunIndex,
        night: Night,
        *,
        selected: Callable[[], Sequence[str]],
        rows: Callable[[], Sequence[NightRow]],
        message: MessageLine,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._index = index
        self._night = night
        self._selected = selected
        self._rows = rows
        self._message = message
        self._figure: WriteFigure | None = None
        self._window = parent
        self.save = QPushButton("Save table…", parent)
        self.save.setToolTip("Save the shown runs, with results and notes, as Markdown, CSV or HTML.")
        self.save.clicked.connect(self._save_table)
        self.export = QPushButton("Export runs", parent)
        self.export.setToolTip("Write the selected runs as files for other programs.")
        self.export.setMenu(self._menu())

    def draw_with(self, figure: WriteFigure) -> None:
        """Offer figures for a paper, which `figure` draws; it is called in a thread of the jobs."""
        self._figure = figure
        self.export.menu().addAction("Figure, PDF and PNG").triggered.connect(self._draw)

    def _save_table(self, *_checked: bool) -> None:
        # Read in the GUI thread, before the dialog: the rows are those that the user sees.
        rows = self._rows()
        given, _ = QFileDialog.getSaveFileName(
            self._window, "Save the table", "night.html", "HTML (*.html);;Markdown (*.md);;CSV (*.csv)"
        )
        if given:
            self._jobs.ask("save", lambda: self._night.save(Path(given), rows), lambda _: None, self._show_problem)

    def _menu(self) -> QMenu:
        menu = QMenu(self._window)
        for combine in (False, True):
            for name, file_format in EXPORT_FORMATS.items():
                action = menu.addAction(f"{name}, combined" if combine else name)
                action.triggered.connect(functools.partial(self._export, file_format, combine=combine))
            menu.addSeparator()
        return menu

    def _draw(self, *_checked: bool) -> None:
        folder = self._folder_for("figures")
        # Both are read here, in the GUI thread: the selection may change while a thread still writes.
        write = self._figure
        uids = list(self._selected())
        if folder is None or write is None:
            return

        def draw() -> list[Path]:
            """Write the figures of all runs and return their paths; raises InputError if no run has a figure."""
            names = [write(folder, f"run_{uid[:8]}", self._index.documents(uid)) for uid in uids]
            found = [folder / name for name in names if name]
            if not found:
                raise InputError("None of the selected runs has a figure. Their curves are in the tab Curves.")
            return found

        self._jobs.ask("export", draw, self._say_written, self._show_problem)

    def _export(self, file_format: str, *_checked: bool, combine: bool) -> None:
        folder = self._folder_for("exported runs")
        uids = list(self._selected())
        if folder is not None:
            self._jobs.ask(
                "export",
                lambda: self._index.export(uids, file_format, folder, combine=combine),
                self._say_written,
                self._show_problem,
            )

    def _folder_for(self, what: str) -> Path | None:
        """Ask for a folder and return it; None if none is chosen or, with a message, if no run is selected."""
        if not self._selected():
            self._say("Select the runs to export in the list.", "warning")
            return None
        folder = QFileDialog.getExistingDirectory(self._window, f"Folder for the {what}")
        return Path(folder) if folder else None

    def _say_written(self, paths: Sequence[Path]) -> None:
        self._say(f"Exported: {', '.join(path.name for path in paths)} in {paths[0].parent}")

    def _show_problem(self, words: str) -> None:
        self._say(words, "bad")

    def _say(self, words: str, severity: Severity = "unknown") -> None:
        self._message.show_message(words, severity)
        self._message.show()
