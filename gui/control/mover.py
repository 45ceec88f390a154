"""Moving an axis by hand from a plot: after one question, and refused with a reason while the beamline is in use."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from gui.control.confirmation import confirm
from gui.control.engine import Engine
from gui.control.entries import Limits
from gui.control.queue_client import QueueClient
from gui.plots.axis import AXES

PLAN = "move_axis"
"""Plan of the queue server that moves one axis."""


class Mover(QObject):
    """Moves through the queue server behind `client`, in the process and with the devices that plans use.

    `session` is the client of a session at a prompt, which can hold the beamline too. `limits` are by event field.
    Questions appear over `parent`.
    """

    def __init__(
        self, client: QueueClient, session: QueueClient | None, limits: Mapping[str, Limits], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._session = session
        self._limits = limits
        self._parent = parent

    def ask(self, axis: str, value: float) -> QMessageBox:
        """Ask once whether to move `axis` to `value`, in its unit, or show why it cannot be moved; return the box.

        It moves to the number that the question shows: the digits of a fit beyond that are noise.
        The plan checks everything again, because a run may be started between question and answer.
        """
        quantity = AXES[axis]
        value = quantity.rounded(value)
        problem = self.problem(axis, value)
        if problem:
            return _refusal(self._parent, f"The {quantity.name} cannot be moved.", problem)
        return confirm(
            self._parent,
            f"Move the {quantity.name} to {quantity.text(value)}?",
            "Nothing is measured, and the shutters stay as they are. The result appears below the buttons.",
            "Move",
            lambda: self._client.run_now(PLAN, {"axis": axis, "value": value}, f"Move to {quantity.text(value)}"),
        )

    def problem(self, axis: str, value: float) -> str:
        """Return why `axis` cannot be moved to `value`, in its unit, and what to do; "" if it can."""
        limits = self._limits.get(axis)
        quantity = AXES[axis]
        if limits is not None and not limits.low <= value <= limits.high:
            return f"{quantity.text(value)} lies outside {limits.low:g} to {limits.high:g} {quantity.unit}."
        return self._held_by_session(axis, value) or self._held_by_queue()

    def _held_by_session(self, axis: str, value: float) -> str:
        # A session at rest holds the beamline as much as one that measures: only its prompt can move anything.
        if self._session is None or self._session.snapshot.engine is Engine.NO_SERVER:
            return ""
        snapshot = self._session.snapshot
        if snapshot.engine is Engine.NO_PLAN:
            device = axis.rpartition("_")[0]
            return f"{snapshot.remark} To move it there, type RE(bps.mv({device}, {value:.10g}))."
        return f"A run holds the beamline. {snapshot.remark} Wait until it has ended."

    def _held_by_queue(self) -> str:
        snapshot = self._client.snapshot
        if snapshot.engine is Engine.IDLE:
            return "" if PLAN in snapshot.plans else "This queue server cannot move axes. Restart it."
        if snapshot.engine is Engine.NO_SERVER:
            return snapshot.remark
        if snapshot.engine is Engine.CLOSED:
            return "The beamline is not connected. Click Connect beamline first."
        running = "A run" if snapshot.running is None else snapshot.running.title
        return f"{running} holds the beamline ({snapshot.engine.value}). Wait until it has ended, or end it first."


def _refusal(parent: QWidget, title: str, reason: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Information)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(title)
    box.setText(title)
    box.setInformativeText(reason)
    box.setStandardButtons(QMessageBox.StandardButton.Ok)
    box.open()
    return box
