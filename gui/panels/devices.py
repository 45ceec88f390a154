"""The state of the beamline: every device as shape, word and value."""

from __future__ import annotations

import time
from collections.abc import Sequence

from qtpy.QtCore import QTimer
from qtpy.QtGui import QHideEvent, QShowEvent

from gui.live.frame import LiveFrame
from gui.panels.context import PanelContext
from gui.panels.panel import Panel
from gui.panels.value_table import Cell, ValueTable
from gui.status.item import ShownItem, StatusItem, shown
from gui.status.liveness import Liveness
from gui.status.monitors import StatusSource
from gui.theme import CONTROL_ROOM, current_theme

PERIOD_MS = 500
"""Twice per second is as often as people can read a number."""

_CHANGED = 3
_MARGIN_PX = 8


class DevicesPanel(Panel):
    """A table of `items` with the values of `source`, polled by its own timer."""

    title = "Devices"
    key = "devices"
    position = 210
    side = "left"
    group = "devices"

    def __init__(self, items: Sequence[StatusItem], source: StatusSource | None) -> None:
        super().__init__()
        self._items = items
        self._source = source
        self.table = ValueTable(["device", "state", "value", "changed"], most_rows=20)
        self.body.addWidget(self.table, 1)
        self.apply_theme()
        self.heading.run.setText("" if source else "This window has no connection to the control system.")
        self._timer = QTimer(self, interval=PERIOD_MS)
        self._timer.timeout.connect(self.poll)

    @classmethod
    def for_beamline(cls, context: PanelContext) -> DevicesPanel:
        """Return the panel of the beamline in `context`.

        Without a source it shows a message instead of values in eV or ps.
        """
        return cls(context.items, context.source)

    def apply_theme(self) -> None:
        """Hide the ages in the control room, where there is room for states and values only."""
        self.table.setColumnHidden(_CHANGED, current_theme() is CONTROL_ROOM)

    def poll(self) -> None:
        """Show the current values of the source, in the units of the items.

        A PV that is not connected is shown in grey.
        """
        if self._source is None:
            return
        now_s = time.monotonic()
        states = [shown(item, self._source.reading(item), now_s) for item in self._items]
        self.table.show_rows([_row(item, state) for item, state in zip(self._items, states, strict=True)])
        self._summarise(states)
        afar = current_theme() is CONTROL_ROOM
        self.table.setMinimumWidth(self.table.contents_width() + _MARGIN_PX if afar else 0)

    def draw(self, _frame: LiveFrame) -> None:
        """Do nothing; the panel does not show documents."""

    def show_frame(self, _frame: LiveFrame) -> None:
        """Do nothing; the panel does not show documents."""

    def show_liveness(self, _liveness: Liveness) -> None:
        """Do nothing; the devices have states of their own."""

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Poll at once, and then every 500 ms, while the panel is visible."""
        super().showEvent(event)
        self.poll()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Stop polling while the panel is hidden."""
        super().hideEvent(event)
        self._timer.stop()

    def _summarise(self, states: Sequence[ShownItem]) -> None:
        silent = sum(state.severity == "unknown" for state in states)
        wrong = sum(state.severity in ("warning", "bad") for state in states)
        number = len(states)
        if silent:
            self.heading.show_state(f"✕ {silent} OF {number} DISCONNECTED", "bad")
        elif wrong:
            self.heading.show_state(f"▲ {wrong} OF {number} NEED ATTENTION", "warning")
        else:
            self.heading.show_state("● ALL OK", "good")
        self.heading.run.setText(f"{wrong} need attention" if silent and wrong else "")


def _row(item: StatusItem, state: ShownItem) -> list[Cell]:
    value: Cell = (f"({state.value})", "unknown") if state.severity == "unknown" and state.value else state.value
    return [item.label, (f"{state.shape} {state.word}", state.severity), value, f"{state.age} ago" if state.age else ""]
