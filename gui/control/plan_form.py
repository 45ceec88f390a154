"""A form made from a plan's signature: one field per parameter, checked while the user types."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from errors import InputError
from gui.control.entries import Limits, text_of, value_of
from gui.control.entry_hints import example_of, request_for
from gui.control.parameters import EntryKind, Parameter, prose
from gui.control.plan_signature import PlanSignature
from gui.control.regions import OutlineOf, no_outline
from gui.control.regions_dialog import RegionsDialog
from gui.message_line import MessageLine

Field = QLineEdit | QComboBox | QCheckBox

SAMPLE = "sample"
"""Parameter that starts with its latest value although it has a default."""


class PlanForm(QWidget):
    """Fields for the parameters of `signature`; `limits` and `presets` are by parameter name.

    Required parameters come first and are marked with *; they, and the sample, start with their presets. Rare ones are
    hidden until `more` is clicked, unless they differ from their defaults. Regions can be edited in a table, over the
    edge that `outline` gives by its name. Signal `changed()`: the content of a field has changed.
    """

    changed = Signal()

    def __init__(
        self,
        signature: PlanSignature,
        limits: Mapping[str, Limits] | None = None,
        presets: Mapping[str, Any] | None = None,
        outline: OutlineOf = no_outline,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.signature = signature
        self._limits = dict(limits or {})
        self._presets = dict(presets or {})
        self._outline = outline
        self.fields: dict[str, Field] = {}
        self._problems: dict[str, MessageLine] = {}
        self._row_of: dict[str, QWidget] = {}
        self.more = QToolButton(self)
        self.more.setObjectName("more")
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.toggled.connect(self._fold)
        self._rows = layout = QFormLayout(self)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        for parameter in sorted(signature.parameters, key=lambda one: (one.rare, not one.required)):
            self._add(parameter)
        layout.addRow("", self.more)
        self._fold()
        self.check()

    def values(self) -> dict[str, Any]:
        """Return all arguments, including defaults. Raises InputError for the first field that is wrong."""
        return {one.name: self._value(one) for one in self.signature.parameters}

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that differ from their defaults, as they are queued. Raises InputError like `values`."""
        values = self.values()
        return {one.name: values[one.name] for one in self.signature.parameters if _given(one, values[one.name])}

    def fill(self, arguments: Mapping[str, Any]) -> None:
        """Show `arguments`, and presets or defaults for all others; unknown names are ignored.

        Numbers are in the unit beside the field. Emits `changed` once, whatever the number of fields.
        """
        for one in self.signature.parameters:
            field = self.fields[one.name]
            # Each field would emit `changed` and check the whole form, with values of the old and the new plan mixed.
            # Blocked, the form is checked once, when all fields have their new values.
            with QSignalBlocker(field):
                _show(field, arguments.get(one.name, self._initial(one)), one)
        self._fold()
        self.check()
        self.changed.emit()

    def check(self) -> str:
        """Show its problem under each wrong field; return the first problem, "" if there is none.

        A required field that is still empty is not marked: it is only missing.
        """
        first = ""
        for one in self.signature.parameters:
            problem = self._problem(one)
            field = self.fields[one.name]
            empty = not isinstance(field, QCheckBox) and not _text(field).strip()
            self._problems[one.name].show_message("" if empty else problem, "bad")
            self._rows.setRowVisible(self._problems[one.name], bool(problem) and not empty)
            first = first or problem
        return first

    def _problem(self, parameter: Parameter) -> str:
        try:
            self._value(parameter)
        except InputError as error:
            return str(error)
        return ""

    def _value(self, parameter: Parameter) -> Any:
        field = self.fields[parameter.name]
        if isinstance(field, QCheckBox):
            return field.isChecked()
        return value_of(_text(field), parameter, self._limits.get(parameter.name))

    def _add(self, parameter: Parameter) -> None:
        field = self._field(parameter)
        field.setObjectName(parameter.name)
        field.setToolTip(self._hint(parameter))
        row = self._with_table(field, parameter) if parameter.kind is EntryKind.REGIONS else field
        self._row_of[parameter.name] = row
        unit = f" ({parameter.unit})" if parameter.unit else ""
        label = QLabel(f"{parameter.label}{unit}{' *' if parameter.required else ''}", self)
        label.setToolTip(field.toolTip())
        label.setBuddy(field)
        problem = MessageLine(self, object_name=f"{parameter.name} problem")
        self.fields[parameter.name] = field
        self._problems[parameter.name] = problem
        self._rows.addRow(label, row)
        self._rows.addRow("", problem)
        _show(field, self._initial(parameter), parameter)
        self._connect(field)

    def _initial(self, parameter: Parameter) -> Any:
        """Return the initial value of the field, in its unit: a preset, otherwise the default.

        Presets are for required parameters, which have no default, and for the sample, which stays in the jet.
        """
        has_preset = parameter.required or parameter.name == SAMPLE
        return self._presets.get(parameter.name, parameter.default) if has_preset else parameter.default

    def _fold(self, _checked: object = None) -> None:
        """Hide the rare parameters that have their defaults, unless the user wants to see all."""
        # Called when the whole form is filled in and when the button is clicked, not at every key: a field would vanish
        # under the hands of somebody who types its default.
        hidden = 0
        for one in self.signature.parameters:
            is_shown = self.more.isChecked() or not one.rare or self._differs(one)
            hidden += not is_shown
            self._rows.setRowVisible(self._row_of[one.name], is_shown)
        rare = any(one.rare for one in self.signature.parameters)
        self.more.setText("▾ Fewer settings" if self.more.isChecked() else f"▸ More settings ({hidden})")
        self._rows.setRowVisible(self.more, rare and (self.more.isChecked() or hidden > 0))

    def _differs(self, parameter: Parameter) -> bool:
        try:
            return _given(parameter, self._value(parameter))
        except InputError:
            return True

    def _with_table(self, field: Field, parameter: Parameter) -> QWidget:
        """Return `field` beside the button that opens its table."""
        assert isinstance(field, QLineEdit)  # that of regions
        row = QWidget(self)
        button = QToolButton(row)
        button.setText("Table…")
        button.setObjectName(f"{parameter.name} table")
        button.setToolTip("Edit the regions in a table, and see their points over the edge.")
        button.clicked.connect(partial(self._edit_regions, field, parameter))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(field, stretch=1)
        layout.addWidget(button)
        return row

    def _edit_regions(self, field: QLineEdit, parameter: Parameter, *_checked: bool) -> None:
        edge = self.fields.get("edge")
        outline = None if not isinstance(edge, QLineEdit | QComboBox) else self._outline(_text(edge).strip())
        limits = self._limits.get(parameter.name)
        dialog = RegionsDialog(parameter, field.text(), limits=limits, outline=outline, parent=self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def take() -> None:
            field.setText(dialog.text)
            field.setCursorPosition(0)  # a long text is read from its beginning

        dialog.accepted.connect(take)
        # Without blocking the window: what runs must stay visible, and can still be ended.
        dialog.open()

    def _field(self, parameter: Parameter) -> Field:
        if parameter.kind is EntryKind.FLAG:
            return QCheckBox(self)
        if parameter.kind is EntryKind.CHOICE:
            box = QComboBox(self)
            # An optional choice can be left to the plan; a required one starts with a request, so that none is made by
            # accident.
            if parameter.optional or parameter.required:
                box.addItem("default" if parameter.optional else "choose …", "")
            for choice in parameter.choices:
                box.addItem(choice, choice)
            return box
        field = QLineEdit(self)
        field.setPlaceholderText(self._placeholder(parameter))
        if parameter.suggestions:
            completer = QCompleter(list(parameter.suggestions), field)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            field.setCompleter(completer)
        if parameter.kind in (EntryKind.NUMBER, EntryKind.INTEGER):
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
        return field

    def _connect(self, field: Field) -> None:
        if isinstance(field, QCheckBox):
            field.toggled.connect(self._edited)
        elif isinstance(field, QComboBox):
            field.currentTextChanged.connect(self._edited)
        else:
            field.textChanged.connect(self._edited)

    def _edited(self, _value: object = None) -> None:
        self.check()
        self.changed.emit()

    def _placeholder(self, parameter: Parameter) -> str:
        limits = self._limits.get(parameter.name)
        if parameter.kind in (EntryKind.NUMBER, EntryKind.INTEGER) and limits is not None:
            span = f"{limits.low:g} to {limits.high:g} {parameter.unit}".strip()
            return f"default; or {span}" if parameter.optional else span
        example = " or ".join(parameter.suggestions[:2]) or example_of(parameter)
        if parameter.optional:
            return f"default; or {example}" if example else "default"
        return example

    def _hint(self, parameter: Parameter) -> str:
        limits = self._limits.get(parameter.name)
        lines = [prose(parameter.description) or parameter.label, request_for(parameter)]
        if limits is not None:
            lines.append(f"Allowed: {limits.low:g} to {limits.high:g} {parameter.unit}.".replace(" .", "."))
        return "\n".join(lines)


def _given(parameter: Parameter, value: Any) -> bool:
    default = parameter.default
    if isinstance(default, tuple) and isinstance(value, list):
        default = [list(part) if isinstance(part, tuple) else part for part in default]
    return parameter.required or bool(value != default)


def _text(field: QComboBox | QLineEdit) -> str:
    return str(field.currentData()) if isinstance(field, QComboBox) else str(field.text())


def _show(field: Field, value: Any, parameter: Parameter) -> None:
    if isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QComboBox):
        field.setCurrentIndex(max(0, field.findData("" if value is None else value)))
    else:
        field.setText(text_of(value, parameter))
        # Of a long text its beginning is seen, not its end.
        field.setCursorPosition(0)
