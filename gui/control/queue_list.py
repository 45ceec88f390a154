"""The queue: which plans run next, in an order that the user can change by dragging."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from errors import InputError
from gui.control.confirmation import confirm
from gui.control.forecast import Forecast
from gui.control.plan_signature import PlanSignature
from gui.control.queue_client import QueueClient
from gui.control.settings import FormSettings
from gui.control.snapshot import QueueItem, Snapshot
from gui.control.wording import arguments_line
from gui.quantity_text import duration_text

_UID = Qt.ItemDataRole.UserRole


class QueueList(QWidget):
    """The waiting plans of `client`, the next one first; `settings` give their total duration.

    Signals: `edit_requested(QueueItem)`: the user wants to change that plan; `copy_requested(QueueItem)`: its arguments
    are wanted in the form of a new plan.
    """

    edit_requested = Signal(object)
    copy_requested = Signal(object)

    def __init__(
        self, client: QueueClient, settings: FormSettings | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._settings = settings or FormSettings()
        self._shown: tuple[object, ...] = ()
        self.list = QListWidget(self)
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setAlternatingRowColors(True)
        self.list.setWordWrap(True)
        self.list.setSpacing(2)
        self.heading = QLabel(self)
        self.buttons = {
            "Up": self._button("Up", "Run this plan earlier.", lambda: self._shift(-1)),
            "Down": self._button("Down", "Run this plan later.", lambda: self._shift(+1)),
            "Edit": self._button("Edit", "Change the arguments of this plan in its form.", self._edit),
            "Duplicate": self._button("Duplicate", "Insert a copy of this plan right after it.", self._duplicate),
            "Copy": self._button("Copy", "Open a copy of this plan in the form, as a new plan.", self._copy),
            "Remove": self._button("Remove", "Remove this plan from the queue.", self._remove),
            "Clear": self._button("Clear", "Remove all plans from the queue.", self._clear),
        }
        self._lay_out()
        self.list.model().rowsMoved.connect(self._moved)
        self.list.currentRowChanged.connect(self._follow_selection)
        self.list.itemDoubleClicked.connect(lambda _item: self._edit())
        client.snapshot_changed.connect(self.show_snapshot)
        client.failed.connect(self._restore)
        self.show_snapshot(client.snapshot)

    @property
    def selected(self) -> QueueItem | None:
        """The selected plan, None without a selection."""
        row = self.list.currentItem()
        uid = row.data(_UID) if row is not None else None
        return next((item for item in self._client.snapshot.queue if item.uid == uid), None)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the queue of `snapshot` with its total duration; an unchanged queue is not drawn again.

        The duration is in s of beam time, and missing if the forecast of one plan is not known.
        """
        # Polls come twice a second. A list that is drawn again loses its scroll position and a drag in progress.
        content = (snapshot.queue, tuple(snapshot.plans))
        if content == self._shown:
            return
        self._shown = content
        selected = self.list.currentItem().data(_UID) if self.list.currentItem() else None
        row = self.list.currentRow()
        self.list.clear()
        for item in snapshot.queue:
            entry = QListWidgetItem(f"{item.title}\n{arguments_line(item, snapshot.plans.get(item.name))}", self.list)
            entry.setData(_UID, item.uid)
        uids = [item.uid for item in snapshot.queue]
        # The selection follows the plan; if that has left the queue, it stays in the same row.
        self.list.setCurrentRow(uids.index(selected) if selected in uids else min(row, len(uids) - 1))
        self.heading.setText(self._heading_text(snapshot))
        self._follow_selection()

    def _heading_text(self, snapshot: Snapshot) -> str:
        if not snapshot.queue:
            return "The queue is empty. Fill in the form of a new plan and add it to the queue."
        count = f"{len(snapshot.queue)} plan{'s' if len(snapshot.queue) > 1 else ''} waiting"
        known = [item for item in snapshot.queue if item.name in snapshot.plans]
        forecasts = [self._forecast(snapshot.plans[item.name], item) for item in known]
        if len(known) < len(snapshot.queue) or any(one is None for one in forecasts):
            return count
        most = "at most" if any(one.at_most for one in forecasts if one) else "about"
        return f"{count}, {most} {duration_text(sum(one.duration_s for one in forecasts if one))} of beam time"

    def _forecast(self, signature: PlanSignature, item: QueueItem) -> Forecast | None:
        try:
            return self._settings.forecast(signature, item.arguments)
        except InputError:
            # Queued by another program, with arguments that the plan will refuse: its time is not known.
            return None

    def _follow_selection(self, _row: int = 0) -> None:
        row = self.list.currentRow()
        count = self.list.count()
        for name in ("Edit", "Duplicate", "Copy", "Remove"):
            self.buttons[name].setEnabled(row >= 0)
        self.buttons["Up"].setEnabled(row > 0)
        self.buttons["Down"].setEnabled(0 <= row < count - 1)
        self.buttons["Clear"].setEnabled(count > 0)

    def _restore(self, _failure: str = "") -> None:
        # A move that the server refused is undone on the screen.
        self._shown = ()
        self.show_snapshot(self._client.snapshot)

    def _moved(self, _parent: object, start: int, _end: int, _to: object, before: int) -> None:
        # Qt reports a move as "before row `before`", counted before the moved row has left its place; the server counts
        # positions after that. The list on the screen has moved already. If the server refuses, `failed` restores it.
        row = before - 1 if before > start else before
        uid = self.list.item(row).data(_UID)
        self._client.move(uid, row)

    def _shift(self, by: int) -> None:
        item = self.selected
        row = self.list.currentRow()
        if item is not None:
            self._client.move(item.uid, row + by)

    def _edit(self) -> None:
        if self.selected is not None:
            self.edit_requested.emit(self.selected)

    def _copy(self) -> None:
        if self.selected is not None:
            self.copy_requested.emit(self.selected)

    def _duplicate(self) -> None:
        if self.selected is not None:
            self._client.duplicate(self.selected)

    def _remove(self) -> None:
        if self.selected is not None:
            self._client.remove(self.selected.uid)

    def _clear(self) -> None:
        count = self.list.count()
        confirm(
            self,
            "Clear the queue?",
            f"{count} plan{'s' if count > 1 else ''} will be removed. The running plan continues.",
            "Clear the queue",
            self._client.clear,
        )

    def _button(self, name: str, hint: str, slot: object) -> QPushButton:
        button = QPushButton(name, self)
        button.setObjectName(name.lower())
        button.setToolTip(hint)
        button.clicked.connect(slot)
        # Seven buttons share one line of a narrow dock: none is wider than its word.
        button.setMinimumWidth(button.fontMetrics().horizontalAdvance(name) + 12)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for button in self.buttons.values():
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.heading)
        layout.addWidget(self.list, stretch=1)
        layout.addLayout(row)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels that is wide enough for the buttons."""
        return QSize(520, 260)
