"""Run control: the engine's state in large letters, and buttons for the run, for the queue and for the beamline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.control.confirmation import confirm
from gui.control.engine import Action, Engine
from gui.control.plan_signature import PlanSignature
from gui.control.queue_client import QueueClient
from gui.control.snapshot import QueueItem, Snapshot
from gui.control.wording import ENGINE_SIGNS, arguments_line
from gui.message_line import MessageLine
from gui.plots.flow_layout import FlowLayout

_OF_RUN = (Action.PAUSE, Action.PAUSE_NOW, Action.RESUME, Action.STOP, Action.ABORT)
"""Buttons for the run. Each has its own place, so that a second click never hits another."""

_OF_QUEUE = (Action.START, Action.STOP_QUEUE, Action.KEEP_QUEUE)
_OF_BEAMLINE = (Action.OPEN, Action.CLOSE)

_HINTS = {
    Action.PAUSE: "Finish the current point, then wait. The shutters close.",
    Action.PAUSE_NOW: "Interrupt the current point; it is measured again after Resume.",
    Action.RESUME: "Continue the paused plan.",
    Action.STOP: "End the plan early. The run is saved as a success, with the points measured so far.",
    Action.ABORT: "End the plan. The run is saved as aborted, with the points measured so far.",
    Action.START: "Run the plans of the queue one after the other.",
    Action.STOP_QUEUE: "Finish the running plan, then stop. The other plans stay in the queue.",
    Action.KEEP_QUEUE: "Continue with the next plan after all.",
    Action.OPEN: "Start the process that connects to the beamline and runs the plans of the queue.",
    Action.CLOSE: "End the process that runs the plans of the queue. No plan can run until you connect again.",
}


class EngineBar(QWidget):
    """State and buttons of the engine behind `client`, or behind `session` while a plan runs there.

    The buttons follow the state of the engine that is shown, and their requests go to it. Two engines exist side by
    side: that of the queue server and that of an interactive session. Only one of them can hold the beamline. The
    session is shown while it runs a plan, and while there is no queue server; see `shown`. A click disables all buttons
    until the answer arrives, so that no request is sent twice. The buttons for the run are visible while there is one.
    """

    def __init__(self, client: QueueClient, session: QueueClient | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._session = session
        self.state = MessageLine(self, object_name="engine state")
        self._enlarge_state()
        self.remark = MessageLine(self, object_name="engine remark")
        self.message = MessageLine(self)
        self.buttons = {action: self._button(action) for action in Action}
        self.run_box = QGroupBox("This run", self)
        self.waiting = QLabel(self)
        self.waiting.setObjectName("waiting plans")
        self._lay_out()
        for one in (client, session):
            if one is not None:
                one.snapshot_changed.connect(self.show_state)
                one.done.connect(self._report_done)
                one.failed.connect(self._report_failure)
        self.show_state()

    @property
    def shown(self) -> QueueClient:
        """Client of the engine that is shown: the session's if it runs a plan or if there is no queue server."""
        # In the order of the cases: without a session, or with one that does not answer, there is only the queue; a
        # session at rest leaves the bar to the queue, if that has a server; a session that runs or pauses a plan has
        # the bar, because its engine holds the beamline and the queue can do nothing.
        if self._session is None or self._session.snapshot.engine is Engine.NO_SERVER:
            return self._client
        idle = self._session.snapshot.engine is Engine.NO_PLAN
        return self._client if idle and self._client.snapshot.engine is not Engine.NO_SERVER else self._session

    def show_state(self, _changed: Snapshot | None = None) -> None:
        """Show the engine's state, and enable the buttons of the actions that it allows."""
        snapshot = self.shown.snapshot
        shape, severity = ENGINE_SIGNS[snapshot.engine]
        self.state.show_message(f"{shape}  {snapshot.engine.value}", severity)
        self.remark.show_message(
            "\n".join(self._remarks(snapshot)), "bad" if snapshot.engine is Engine.NO_SERVER else "unknown"
        )
        self.remark.setVisible(bool(self.remark.text()))
        allowed = snapshot.actions
        self.run_box.setVisible(not allowed.isdisjoint(_OF_RUN))
        count = len(snapshot.queue)
        self.waiting.setText(f"{count or 'No'} plan{'s' if count != 1 else ''} waiting")
        for action, button in self.buttons.items():
            button.setEnabled(action in allowed)
        self.buttons[Action.KEEP_QUEUE].setVisible(Action.KEEP_QUEUE in allowed)
        self.buttons[Action.STOP_QUEUE].setVisible(Action.KEEP_QUEUE not in allowed)
        # Without a server nothing is connected: the button that cannot be clicked yet is the one to connect.
        is_closed = Action.OPEN in allowed or snapshot.engine is Engine.NO_SERVER
        self.buttons[Action.OPEN].setVisible(is_closed)
        self.buttons[Action.CLOSE].setVisible(not is_closed)

    def ask(self, action: Action) -> None:
        """Request `action`, after a confirmation if something would be lost.

        Returns at once; the server's refusal is shown as a message when it comes.
        """
        if action is Action.ABORT:
            confirm(
                self,
                "Abort the plan?",
                f"The run ends as aborted. The points measured so far are saved; {self._after_abort()}.",
                "Abort the plan",
                partial(self._act, action, self.shown),
            )
        else:
            self._act(action, self.shown)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow the font of the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "state"):
            self._enlarge_state()

    def _enlarge_state(self) -> None:
        # A font set directly is undone when the application's style sheet changes.
        self.state.setStyleSheet(f"font-weight: bold; font-size: {1.4 * self.font().pointSizeF():g}pt")

    def _after_abort(self) -> str:
        if self.shown is self._session:
            return "a script that runs the plan ends too"
        return "the plan returns to the top of the queue"

    def _remarks(self, snapshot: Snapshot) -> list[str]:
        running = snapshot.running
        remarks = ["" if running is None else _running_words(running, snapshot.plans), snapshot.remark]
        if self._session is not None and self._session.snapshot.engine is Engine.NO_PLAN:
            # The engine of the queue cannot start while the session holds the beamline.
            remarks.append(self._session.snapshot.remark)
        return [text for text in dict.fromkeys(remarks) if text]

    def _act(self, action: Action, client: QueueClient) -> None:
        # Until the answer comes, the snapshot is that from before the click and would allow the same action again.
        # `show_state` enables the buttons with the next snapshot, and both outcomes of a request call it, so that no
        # failure leaves them disabled.
        for button in self.buttons.values():
            button.setEnabled(False)
        self.message.show_message(f"{action.value} …")
        client.act(action)

    def _report_done(self, what: str) -> None:
        self.message.show_message(f"✓ {what}: done.", "good")
        self.show_state()

    def _report_failure(self, what: str) -> None:
        self.message.show_message(f"✕ {what}", "bad")
        self.show_state()

    def _button(self, action: Action) -> QPushButton:
        button = QPushButton(action.value, self)
        button.setToolTip(_HINTS[action])
        button.setObjectName(action.name.lower())
        button.clicked.connect(partial(self.ask, action))
        return button

    def _lay_out(self) -> None:
        # Three things that users tell apart: whether the beamline is connected, the run in progress, and the plans that
        # wait for their turn.
        top = QHBoxLayout()
        top.addWidget(self.state, stretch=1)
        around = QVBoxLayout(self.run_box)
        # One row where there is room for it: the form of the next plan is below, and needs the height.
        run_row = FlowLayout(spacing_px=2)
        around.addLayout(run_row)
        queue_box = QGroupBox("Queue", self)
        row = QHBoxLayout(queue_box)
        row.addWidget(self.waiting, stretch=1)
        for inner in (around, row):
            inner.setContentsMargins(2, 2, 2, 4)
        for actions, line in ((_OF_BEAMLINE, top), (_OF_RUN, run_row), (_OF_QUEUE, row)):
            for action in actions:
                line.addWidget(self.buttons[action])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        for widget in (self.remark, self.run_box, queue_box, self.message):
            layout.addWidget(widget)


def _running_words(item: QueueItem, plans: Mapping[str, PlanSignature]) -> str:
    arguments = arguments_line(item, plans.get(item.name))
    return f"{item.title}: {arguments}" if arguments else item.title
