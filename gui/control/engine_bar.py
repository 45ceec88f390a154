"""The engine's state in large letters, and the buttons that pause, resume, stop and abort."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from gui.control.confirmation import confirm
from gui.control.engine import Action, Engine
from gui.control.plan_signature import PlanSignature
from gui.control.queue_client import QueueClient
from gui.control.snapshot import QueueItem, Snapshot
from gui.control.wording import ENGINE_SIGNS, arguments_line
from gui.message_line import MessageLine

_PLACES = {
    Action.PAUSE: (0, 0),
    Action.PAUSE_NOW: (0, 1),
    Action.RESUME: (0, 2),
    Action.STOP: (1, 0),
    Action.ABORT: (1, 1),
    Action.START: (1, 2),
    Action.STOP_QUEUE: (2, 0),
    Action.KEEP_QUEUE: (2, 0),
    Action.OPEN: (2, 1),
    Action.CLOSE: (2, 2),
}
_HINTS = {
    Action.PAUSE: "Finish the point that is being measured, then wait.",
    Action.PAUSE_NOW: "Interrupt the point that is being measured; it is measured again after Resume.",
    Action.RESUME: "Go on where the plan paused.",
    Action.STOP: "End the plan in good order: the run is closed as a success and keeps its points.",
    Action.ABORT: "End the plan as a failure; what was measured is kept.",
    Action.START: "Run the plans of the queue, one after the other.",
    Action.STOP_QUEUE: "Let the running plan finish, then leave the rest of the queue.",
    Action.KEEP_QUEUE: "Take the next plan of the queue after all.",
    Action.OPEN: "Start the process that connects the beamline and runs plans.",
    Action.CLOSE: "End that process; nothing can run until it is started again.",
}


class EngineBar(QWidget):
    """State and buttons of the engine behind `client`, or behind `session` while a plan runs there.

    The buttons follow the state of whoever runs, and speak to it.
    """

    def __init__(self, client: QueueClient, session: QueueClient | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._session = session
        self.state = MessageLine(self, object_name="engine state")
        self._enlarge_state()
        self.remark = MessageLine(self, object_name="engine remark")
        self.message = MessageLine(self)
        self.buttons = {action: self._button(action) for action in _PLACES}
        self._lay_out()
        for one in (client, session):
            if one is not None:
                one.snapshot_changed.connect(self.show_state)
                one.done.connect(self._report_done)
                one.failed.connect(self._report_failure)
        self.show_state()

    @property
    def shown(self) -> QueueClient:
        """The client of the engine that is shown: the session's if a plan runs there or nobody serves a queue."""
        if self._session is None or self._session.snapshot.engine is Engine.NO_SERVER:
            return self._client
        idle = self._session.snapshot.engine is Engine.NO_PLAN
        return self._client if idle and self._client.snapshot.engine is not Engine.NO_SERVER else self._session

    def show_state(self, _changed: Snapshot | None = None) -> None:
        """Show the engine's state and enable what it allows."""
        snapshot = self.shown.snapshot
        shape, severity = ENGINE_SIGNS[snapshot.engine]
        self.state.show_message(f"{shape}  {snapshot.engine.value}", severity)
        self.remark.show_message(
            "\n".join(self._remarks(snapshot)), "bad" if snapshot.engine is Engine.NO_SERVER else "unknown"
        )
        self.remark.setVisible(bool(self.remark.text()))
        allowed = snapshot.actions
        for action, button in self.buttons.items():
            button.setEnabled(action in allowed)
        self.buttons[Action.KEEP_QUEUE].setVisible(Action.KEEP_QUEUE in allowed)
        self.buttons[Action.STOP_QUEUE].setVisible(Action.KEEP_QUEUE not in allowed)

    def ask(self, action: Action) -> None:
        """Do `action`, after a confirmation if it loses something."""
        if action is Action.ABORT:
            confirm(
                self,
                "Abort the plan?",
                f"The run ends as aborted. What was measured is kept; {self._after_abort()}.",
                "Abort the plan",
                partial(self._act, action, self.shown),
            )
        else:
            self._act(action, self.shown)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow the theme's letters."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "state"):
            self._enlarge_state()

    def _enlarge_state(self) -> None:
        # A font set directly is undone when the application's style sheet changes.
        self.state.setStyleSheet(f"font-weight: bold; font-size: {1.4 * self.font().pointSizeF():g}pt")

    def _after_abort(self) -> str:
        if self.shown is self._session:
            return "a script that called the plan ends too"
        return "the plan returns to the top of the queue"

    def _remarks(self, snapshot: Snapshot) -> list[str]:
        running = snapshot.running
        remarks = ["" if running is None else _running_words(running, snapshot.plans), snapshot.remark]
        if self._session is not None and self._session.snapshot.engine is Engine.NO_PLAN:
            # The queue's engine cannot start beside it.
            remarks.append(self._session.snapshot.remark)
        return [text for text in dict.fromkeys(remarks) if text]

    def _act(self, action: Action, client: QueueClient) -> None:
        # No second click before the answer to the first.
        for button in self.buttons.values():
            button.setEnabled(False)
        self.message.show_message(f"{action.value} …")
        self.message.show()
        client.act(action)

    def _report_done(self, what: str) -> None:
        self.message.show_message(f"✓ {what}: done.", "good")
        self.message.show()
        self.show_state()

    def _report_failure(self, what: str) -> None:
        self.message.show_message(f"✕ {what}", "bad")
        self.message.show()
        self.show_state()

    def _button(self, action: Action) -> QPushButton:
        button = QPushButton(action.value, self)
        button.setToolTip(_HINTS[action])
        button.setObjectName(action.name.lower())
        button.clicked.connect(partial(self.ask, action))
        return button

    def _lay_out(self) -> None:
        grid = QGridLayout()
        for action, place in _PLACES.items():
            grid.addWidget(self.buttons[action], *place)
        layout = QVBoxLayout(self)
        layout.addWidget(self.state)
        layout.addWidget(self.remark)
        layout.addLayout(grid)
        layout.addWidget(self.message)
        self.message.hide()


def _running_words(item: QueueItem, plans: Mapping[str, PlanSignature]) -> str:
    arguments = arguments_line(item, plans.get(item.name))
    return f"{item.title}: {arguments}" if arguments else item.title
