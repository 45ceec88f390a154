"""A form made from a plan's signature: one field per parameter, checked while the user types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QCompleter, QFormLayout, QLabel, QLineEdit, QWidget

from errors import InputError
from gui.control.entries import Limits, example_of, request_for, text_of, value_of
from gui.control.parameters import Kind, Parameter, prose
from gui.control.plan_signature import PlanSignature
from gui.message_line import MessageLine

Field = QLineEdit | QComboBox | QCheckBox


class PlanForm(QWidget):
    """Fields for the parameters of `signature`; `limits` and `presets` are by parameter name.

    Required parameters come first, are marked with *, and start with their presets. Signal `changed()`: the content of
    a field has changed.
    """

    changed = Signal()

    def __init__(
        self,
        signature: PlanSignature,
        limits: Mapping[str, Limits] | None = None,
        presets: Mapping[str, Any] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.signature = signature
        self._limits = dict(limits or {})
        self._presets = dict(presets or {})
        self.fields: dict[str, Field] = {}
        self._problems: dict[str, MessageLine] = {}
        self._rows = layout = QFormLayout(self)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        for parameter in sorted(signature.parameters, key=lambda one: not one.required):
            self._add(parameter)
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
        unit = f" ({parameter.unit})" if parameter.unit else ""
        label = QLabel(f"{parameter.label}{unit}{' *' if parameter.required else ''}", self)
        label.setToolTip(field.toolTip())
        label.setBuddy(field)
        problem = MessageLine(self, object_name=f"{parameter.name} problem")
        self.fields[parameter.name] = field
        self._problems[parameter.name] = problem
        self._rows.addRow(label, field)
        self._rows.addRow("", problem)
        _show(field, self._initial(parameter), parameter)
        self._connect(field)

    def _initial(self, parameter: Parameter) -> Any:
        """Return the initial value of the field; presets are for required parameters, which have no default."""
        return self._presets.get(parameter.name) if parameter.required else parameter.default

    def _field(self, parameter: Parameter) -> Field:
        if parameter.kind is Kind.FLAG:
            return QCheckBox(self)
        if parameter.kind is Kind.CHOICE:
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
        if parameter.kind in (Kind.NUMBER, Kind.INTEGER):
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
        if parameter.kind in (Kind.NUMBER, Kind.INTEGER) and limits is not None:
            span = f"{limits.low:g} to {limits.high:g} {parameter.unit}".strip()
            return f"default; or {span}" if parameter.optional else span
        example = " or ".join(parameter.suggestions[:2]) or example_of(parameter.kind)
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
    return str(field.currentData()) if isinstance(field, QComboBox) else field.text()


def _show(field: Field, value: Any, parameter: Parameter) -> None:
    if isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QComboBox):
        field.setCurrentIndex(max(0, field.findData("" if value is None else value)))
    else:
        field.setText(text_of(value, parameter))
