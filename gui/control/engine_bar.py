"""The engine's state in large letters, and the buttons that pause, resume, stop and abort."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from gui.control.confirmation import confirm
from gui.control.engine import Action, Engine
from gui.control.queue_client import QueueClient
from gui.control.snapshot import Snapshot
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
    """State and buttons of the engine behind `client`; the buttons follow its state."""

    def __init__(self, client: QueueClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.state = MessageLine(self, object_name="engine state")
        self._enlarge_state()
        self.remark, self.message = MessageLine(self, object_name="engine remark"), MessageLine(self)
        self.buttons = {action: self._button(action) for action in _PLACES}
        self._lay_out()
        client.snapshot_changed.connect(self.show_snapshot)
        client.done.connect(self._say_done)
        client.failed.connect(self._say_failed)
        self.show_snapshot(client.snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the engine's state and enable what it allows."""
        shape, severity = ENGINE_SIGNS[snapshot.engine]
        self.state.say(f"{shape}  {snapshot.engine.value}", severity)
        self.remark.say(_remark(snapshot), "bad" if snapshot.engine is Engine.NO_SERVER else "unknown")
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
                "The run ends as aborted. What was measured is kept; the plan returns to the top of the queue.",
                "Abort the plan",
                partial(self._act, action),
            )
        else:
            self._act(action)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow the theme's letters."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "state"):
            self._enlarge_state()

    def _enlarge_state(self) -> None:
        # A font set directly is undone when the application's style sheet changes.
        self.state.setStyleSheet(f"font-weight: bold; font-size: {1.4 * self.font().pointSizeF():g}pt")

    def _act(self, action: Action) -> None:
        # No second click before the answer to the first.
        for button in self.buttons.values():
            button.setEnabled(False)
        self.message.say(f"{action.value} …")
        self.message.show()
        self._client.act(action)

    def _say_done(self, what: str) -> None:
        self.message.say(f"✓ {what}: done.", "good")
        self.message.show()
        self.show_snapshot(self._client.snapshot)

    def _say_failed(self, what: str) -> None:
        self.message.say(f"✕ {what}", "bad")
        self.message.show()
        self.show_snapshot(self._client.snapshot)

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


def _remark(snapshot: Snapshot) -> str:
    if snapshot.running is None:
        return snapshot.remark
    signature = snapshot.plans.get(snapshot.running.name)
    plan = f"{snapshot.running.title}: {arguments_line(snapshot.running, signature)}"
    return f"{plan}\n{snapshot.remark}" if snapshot.remark else plan
