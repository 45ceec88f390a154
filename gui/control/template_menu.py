"""The menu of the templates of a plan: fill in, save by name, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from qtpy.QtWidgets import QInputDialog, QMenu, QToolButton, QWidget

from errors import TrxasError
from gui.control.memory import PlanMemory

GetName = Callable[[], str]


class TemplateMenu(QToolButton):
    """Button with the templates of the plan that is shown, from `memory`.

    `plan` returns the name of that plan, "" without one; `arguments` those of its form; `use` fills the form in;
    `report` shows why a template cannot be saved. `ask_name` asks for the name of a new template, "" for none.
    """

    def __init__(
        self,
        memory: PlanMemory,
        *,
        plan: Callable[[], str],
        arguments: Callable[[], Mapping[str, Any]],
        use: Callable[[Mapping[str, Any]], object],
        report: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._memory = memory
        self._plan = plan
        self._arguments = arguments
        self._use = use
        self._report = report
        self.ask_name: GetName = self._ask_name
        self.setText("Templates")
        self.setToolTip("Fill the form in with saved values, or save what is in it under a name.")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.aboutToShow.connect(self.refresh)
        self.setMenu(menu)

    def refresh(self) -> None:
        """List the templates again; another window may have changed them."""
        menu = self.menu()
        menu.clear()
        names = self._memory.names(self._plan())
        for name in names:
            menu.addAction(name).triggered.connect(partial(self._fill_in, name))
        if names:
            menu.addSeparator()
        menu.addAction("Save as template…").triggered.connect(self._save)
        if names:
            deleting = menu.addMenu("Delete")
            for name in names:
                deleting.addAction(name).triggered.connect(partial(self._delete, name))

    def _fill_in(self, name: str, *_checked: bool) -> None:
        self._use(self._memory.template(self._plan(), name))

    def _save(self, *_checked: bool) -> None:
        try:
            arguments = self._arguments()
            name = self.ask_name().strip()
            if name:
                self._memory.save(self._plan(), name, arguments)
        except TrxasError as error:
            self._report(str(error))

    def _delete(self, name: str, *_checked: bool) -> None:
        try:
            self._memory.delete(self._plan(), name)
        except TrxasError as error:
            self._report(str(error))

    def _ask_name(self) -> str:
        name, agreed = QInputDialog.getText(self, "Save as template", "Name of the template")
        return str(name) if agreed else ""
