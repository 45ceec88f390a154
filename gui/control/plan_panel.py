"""The choice of a plan, its form, and a forecast of its duration and error before it is queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QSignalBlocker, QSize, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from errors import InputError
from gui.control.dry_run_dialog import DryRunDialog
from gui.control.forecast import Forecast
from gui.control.memory import PlanMemory
from gui.control.parameters import prose, title
from gui.control.plan_form import SAMPLE, PlanForm
from gui.control.plan_signature import PlanSignature
from gui.control.queue_client import QueueClient
from gui.control.settings import FormSettings
from gui.control.snapshot import QueueItem, Snapshot
from gui.control.template_menu import TemplateMenu
from gui.message_line import MessageLine
from gui.quantity_text import duration_text

_ENABLED = Qt.ItemDataRole.UserRole - 1
"""Role in which the model of a combo box holds the flags of an entry."""

OTHER_GROUP = "Other"
"""Heading of the plans without a group: upkeep, and those of other servers."""

NO_PLANS = "Waiting for the list of plans, which the queue server sends once it has connected the beamline."


class PlanPanel(QWidget):
    """Forms of all plans that the server behind `client` allows. Typed values stay when another plan is chosen.

    `memory` has the values that were queued last, with which forms start, and templates.
    """

    def __init__(
        self,
        client: QueueClient,
        settings: FormSettings | None = None,
        parent: QWidget | None = None,
        *,
        memory: PlanMemory | None = None,
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._settings = settings or FormSettings()
        self._memory = memory or PlanMemory()
        self._plans: Mapping[str, PlanSignature] = {}
        self._forms: dict[str, PlanForm] = {}
        self._edited: QueueItem | None = None
        self.chooser = QComboBox(self)
        self.chooser.setObjectName("plan")
        self.description = QLabel(self)
        self.description.setWordWrap(True)
        self.forecast = QLabel(self)
        self.forecast.setObjectName("forecast")
        self.forecast.setWordWrap(True)
        self.problem = MessageLine(self, object_name="problem")
        self.submit = QPushButton("Add to queue", self)
        self.cancel = QPushButton("Cancel", self)
        self.dry_run = QPushButton("Dry run…", self)
        self.dry_run.setObjectName("dry run")
        self.dry_run.setToolTip("Show what would move from where to where, how long it takes, and the expected errors.")
        self.submit.setObjectName("submit")
        self.cancel.setObjectName("cancel")
        self.templates = self._template_menu()
        self._pages = QStackedWidget(self)
        self._lay_out()
        self._connect()
        self.show_snapshot(client.snapshot)

    @property
    def form(self) -> PlanForm | None:
        """The visible form, None without plans."""
        return self._forms.get(self.chooser.currentData())

    def choose(self, plan_name: str) -> None:
        """Show the form of the plan `plan_name`; a plan that the server does not allow is ignored."""
        index = self.chooser.findData(plan_name)
        if index >= 0:
            self.chooser.setCurrentIndex(index)

    def edit(self, item: QueueItem) -> None:
        """Show the queued plan `item` in its form; the submit button then changes it in the queue."""
        if self.copy(item):
            self._edited = item
            self._follow()

    def copy(self, item: QueueItem) -> bool:
        """Show the arguments of `item` in the form of its plan, as a new plan; return whether the server offers it."""
        self.choose(item.name)
        if self.form is None or self.form.signature.name != item.name:
            self.problem.show_message(f"The server no longer offers {item.title}, so it cannot be edited.", "bad")
            self.problem.show()
            return False
        names = [one.name for one in self.form.signature.parameters]
        self._fill_in(dict(zip(names, item.args, strict=False)) | dict(item.arguments))
        return True

    def _fill_in(self, arguments: Mapping[str, Any]) -> None:
        """Show `arguments` in the visible form, as those of a new plan."""
        self._edited = None
        if self.form is not None:
            self.form.fill(arguments)
        self._follow()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Offer the plans that the server allows, and end the editing of a queued plan that is gone.

        Forms of unchanged plans keep their typed values.
        """
        if snapshot.plans and snapshot.plans != self._plans:
            self._offer(snapshot.plans)
        # The queue runs on while a user types: a plan that has started in the meantime can no longer be changed, and
        # must not be queued a second time without notice.
        gone = self._edited is not None and self._edited.uid not in {item.uid for item in snapshot.queue}
        if gone:
            self._end_editing()
        self._follow()

    def set_settings(self, settings: FormSettings) -> None:
        """Use other settings, for example with the photons per pulse that a run has measured.

        The forecast, in s and in % of the unpumped signal, follows at once; limits hold for forms that are made from
        now on.
        """
        self._settings = settings
        self._follow()

    def _offer(self, plans: Mapping[str, PlanSignature]) -> None:
        chosen = self.chooser.currentData()
        # The server sends its plans again whenever its environment is opened. Forms whose signature is unchanged stay
        # with what was typed in them; only those of plans that are gone or different are removed. They are deleted
        # later, by Qt: a signal of a form may be what has led here.
        for name in [name for name, form in self._forms.items() if plans.get(name) != form.signature]:
            page = _page_of(self._forms.pop(name))
            self._pages.removeWidget(page)
            page.deleteLater()
        self._plans = plans
        # `clear` and `addItem` would each choose another plan, and make its form, on the way to the final state.
        # Headings of groups are entries without data, which cannot be chosen; so the first plan is not the first row.
        with QSignalBlocker(self.chooser):
            self.chooser.clear()
            for group, names in _groups(plans).items():
                self._add_heading(group or OTHER_GROUP)
                for name in names:
                    self.chooser.addItem(title(name), name)
            first = next((row for row in range(self.chooser.count()) if self.chooser.itemData(row)), 0)
            self.chooser.setCurrentIndex(max(first, self.chooser.findData(chosen)))
        self._choose()

    def _add_heading(self, group: str) -> None:
        """Add an entry with the name of a group, which cannot be chosen."""
        self.chooser.addItem(f"{group}:")
        model = self.chooser.model()
        model.setData(model.index(self.chooser.count() - 1, 0), 0, _ENABLED)

    def _choose(self, _index: int = 0) -> None:
        name = self.chooser.currentData()
        if name not in self._plans:
            return
        # A form is made when its plan is first chosen: two dozen forms at once would delay the window.
        if name not in self._forms:
            # What was queued last comes before the presets of the beamline: usually the same sample is measured again.
            presets = {**self._settings.presets, **self._memory.last}
            form = PlanForm(self._plans[name], self._settings.limits, presets, self._settings.outline)
            form.changed.connect(self._follow)
            self._forms[name] = form
            self._pages.addWidget(_scrollable(form))
        self._pages.setCurrentWidget(_page_of(self._forms[name]))
        self._edited = None
        self._follow()

    def _follow(self) -> None:
        """Show the first problem or the forecast, and label the button with its action."""
        form = self.form
        problem = NO_PLANS if form is None else form.check()
        forecast = ""
        if form is not None and not problem:
            # Fields can be right one by one and wrong together; then the plan itself refuses them, in its own words.
            try:
                forecast = self._forecast_text(form)
            except InputError as error:
                problem = str(error)
        self.description.setText("" if form is None else prose(form.signature.description))
        self.problem.show_message(problem, "warning")
        self.problem.setVisible(bool(problem))
        self.submit.setEnabled(not problem)
        self.dry_run.setEnabled(not problem)
        self.submit.setText("Add to queue" if self._edited is None else "Change the queued plan")
        self.cancel.setVisible(self._edited is not None)
        self.forecast.setText(forecast)
        self.forecast.setVisible(bool(forecast))

    def _forecast_text(self, form: PlanForm) -> str:
        """Return the forecast of a plan in words, "" without one; raises InputError if the plan refuses the values."""
        expected = self._settings.forecast(form.signature, form.values())
        return "" if expected is None else forecast_words(expected)

    def _submit(self) -> None:
        form = self.form
        if form is None:
            return
        arguments: dict[str, Any] = form.arguments()
        self._remember(form.signature, arguments)
        if self._edited is None:
            self._client.add(form.signature.name, arguments)
        else:
            self._client.update(self._edited.uid, form.signature.name, arguments)
            self._end_editing()

    def _ask_dry_run(self) -> None:
        form = self.form
        if form is not None:
            self._client.ask_dry_run(form.signature.name, form.arguments(), title(form.signature.name))

    def _show_dry_run(self, name: str, answer: Mapping[str, Any]) -> None:
        dialog = DryRunDialog(name, answer, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _remember(self, signature: PlanSignature, arguments: Mapping[str, Any]) -> None:
        """Remember the sample and the required values of a plan that measures, for the next forms."""
        # Not those of calibrations: a shift of time zero that the form offers again would be applied twice.
        if self._settings.forecast(signature, arguments) is None:
            return
        lasting = {one.name for one in signature.parameters if one.required} | {SAMPLE}
        self._memory.remember({name: value for name, value in arguments.items() if name in lasting})

    def _end_editing(self) -> None:
        self._edited = None
        if self.form is not None:
            self.form.fill({})
        self._follow()

    def _template_menu(self) -> TemplateMenu:
        return TemplateMenu(
            self._memory,
            plan=lambda: str(self.chooser.currentData() or ""),
            arguments=lambda: {} if self.form is None else self.form.arguments(),
            use=self._fill_in,
            report=lambda text: self.problem.show_message(text, "bad"),
            parent=self,
        )

    def _connect(self) -> None:
        self.chooser.currentIndexChanged.connect(self._choose)
        self.submit.clicked.connect(self._submit)
        self.dry_run.clicked.connect(self._ask_dry_run)
        self.cancel.clicked.connect(self._end_editing)
        self._client.dry_run_answered.connect(self._show_dry_run)
        self._client.snapshot_changed.connect(self.show_snapshot)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.submit)
        buttons.addWidget(self.dry_run)
        buttons.addWidget(self.cancel)
        buttons.addStretch()
        top = QHBoxLayout()
        top.addWidget(self.chooser, stretch=1)
        top.addWidget(self.templates)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.description)
        layout.addWidget(self._pages, stretch=1)
        for widget in (self.forecast, self.problem):
            layout.addWidget(widget)
        layout.addLayout(buttons)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in pixels that has room for a form of a dozen fields."""
        return QSize(440, 620)


def _groups(plans: Mapping[str, PlanSignature]) -> dict[str, list[str]]:
    """Return the names of `plans` by group, in the order of use; those without a group come last."""
    groups: dict[str, list[str]] = {}
    for plan in sorted(plans.values(), key=lambda one: (not one.group, one.order, one.name)):
        groups.setdefault(plan.group, []).append(plan.name)
    return groups


def _scrollable(form: PlanForm) -> QScrollArea:
    page = QScrollArea()
    page.setWidgetResizable(True)
    page.setFrameShape(QFrame.Shape.NoFrame)
    page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    page.setWidget(form)
    # Qt fills a scrolled widget with its own colour, which differs from that of the dock around it.
    for widget in (page.viewport(), form):
        widget.setAutoFillBackground(False)
    return page


def _page_of(form: PlanForm) -> QWidget:
    viewport = form.parentWidget()
    assert viewport is not None
    page = viewport.parentWidget()
    assert page is not None
    return page


def forecast_words(expected: Forecast) -> str:
    """Return the expected duration of a plan, its statistical error if it pumps, and its expected results, in words."""
    exposures = f"{expected.exposures} exposure{'s' if expected.exposures != 1 else ''}"
    besides = f", plus {expected.besides}" if expected.besides else ""
    most = "at most " if expected.at_most else "about "
    duration = f"Takes {most}{duration_text(expected.duration_s)} of beam time ({exposures}){besides}."
    error = ""
    if expected.sigma is not None:
        error = (
            f"Photon-limited error of the transient: ±{100 * expected.sigma:.2g} % of the unpumped signal per point "
            f"({expected.source})."
        )
    return "\n".join(filter(None, (duration, error, expected.expects)))
