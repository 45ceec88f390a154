"""All control of the experiment in one widget: run control, queue, forms and history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QSize, Signal
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from gui.control.engine_bar import EngineBar
from gui.control.history_table import HistoryTable
from gui.control.memory import PlanMemory
from gui.control.mover import Mover
from gui.control.past_run import item_of_run
from gui.control.plan_panel import PlanPanel
from gui.control.queue_client import QueueClient
from gui.control.queue_list import QueueList
from gui.control.settings import FormSettings
from gui.control.snapshot import QueueItem


class ControlPanel(QWidget):
    """Engine bar above tabs with the queue, the forms and the history. All follow `client`, which its creator stops.

    The engine bar also follows `session`, the client of a session that runs plans itself. `memory` has templates.

    Signal `run_chosen(str)`: uid of a run that the user wants to see.
    """

    run_chosen = Signal(str)

    def __init__(
        self,
        client: QueueClient,
        settings: FormSettings | None = None,
        session: QueueClient | None = None,
        parent: QWidget | None = None,
        *,
        memory: PlanMemory | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings or FormSettings()
        self._client = client
        self.engine = EngineBar(client, session, self)
        self.queue = QueueList(client, self._settings, self)
        self.plans = PlanPanel(client, self._settings, self, memory=memory)
        self.history = HistoryTable(client, self)
        self.mover = Mover(client, session, self._settings.limits, self)
        self.tabs = QTabWidget(self)
        for widget, name in ((self.queue, "Queue"), (self.plans, "New plan"), (self.history, "History")):
            self.tabs.addTab(widget, name)
        layout = QVBoxLayout(self)
        layout.addWidget(self.engine)
        layout.addWidget(self.tabs, stretch=1)
        self.queue.edit_requested.connect(self._edit)
        self.queue.copy_requested.connect(self._copy)
        self.history.copy_requested.connect(self._copy)
        self.history.run_chosen.connect(self.run_chosen)

    def set_photons_per_pulse(self, photons_per_pulse: float, source: str) -> None:
        """Use `photons_per_pulse` of all photodiodes together in forecasts; `source` names the run that gave it."""
        if self._settings.beam is None:
            return
        # Everything else of the beam stays as configured; only the photons change from sample to sample.
        beam = replace(self._settings.beam, photons_per_pulse=photons_per_pulse, source=source)
        self._settings = replace(self._settings, beam=beam)
        self.plans.set_settings(self._settings)

    def measure_again(self, start: Mapping[str, Any]) -> None:
        """Show the settings of the run with the start document `start` in the form of its plan, to be edited."""
        self._copy(item_of_run(start, self._client.snapshot.plans.get(str(start.get("plan_name", "")))))

    def _copy(self, item: QueueItem) -> None:
        self.tabs.setCurrentWidget(self.plans)
        self.plans.copy(item)

    def _edit(self, item: QueueItem) -> None:
        self.tabs.setCurrentWidget(self.plans)
        self.plans.edit(item)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels that is wide enough for forms."""
        return QSize(520, 760)
