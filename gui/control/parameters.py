"""A parameter of a plan as a form shows it: label, unit, kind and choices.

Plans of trxas provide all of this. For other plans of the queue server it is derived from name and annotation.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gui.unit_endings import unit_of, without_unit

SYMBOLS = {"mJ/cm2": "mJ/cm²", "um": "µm", "deg": "°", "C": "°C", "1/A": "1/Å"}
"""Units as people write them, where plans write them in plain letters."""

_WORDS = {"md": "metadata", "nd od": "optical density"}
"""Words for names that are abbreviations."""


class EntryKind(Enum):
    """Kind of entry for a value."""

    NUMBER = "number"
    INTEGER = "whole number"
    FLAG = "yes or no"
    TEXT = "text"
    CHOICE = "one of several"
    NUMBERS = "list of numbers"
    REGIONS = "list of regions (start:stop:step)"
    WORDS = "list of words"
    MAPPING = "list of name = value"
    MAPPINGS = "lists of name = value"
    OTHER = "Python literal"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a plan.

    `optional`: None is allowed, which an empty field means. `default` is None for `required` ones. `choices` are the
    only values allowed; empty if any value is. `suggestions` are values that the form completes, where others are
    allowed too. `positional`: it cannot be given by name. `unit` is taken from the end of the name unless given. Forms
    fold a `rare` one away until somebody asks for it.
    """

    name: str
    kind: EntryKind
    required: bool = True
    default: Any = None
    optional: bool = False
    choices: tuple[str, ...] = ()
    description: str = ""
    positional: bool = False
    unit: str = ""
    suggestions: tuple[str, ...] = ()
    rare: bool = False

    def __post_init__(self) -> None:
        """Write the unit in its usual spelling."""
        unit = SYMBOLS.get(self.unit, self.unit) or unit_of(self.name)
        object.__setattr__(self, "unit", unit)

    @property
    def label(self) -> str:
        """Readable name of the parameter: "Delay" for "delay_ps"."""
        return _capital(_spoken(self.name))


def parameter(
    name: str,
    annotation: str,
    *,
    required: bool,
    default: Any = None,
    description: str = "",
    positional: bool = False,
) -> Parameter:
    """Return a parameter read from its annotation, a string such as "Sequence[float] | None".

    Choices come from a `Literal`. Without an annotation the default's type decides.
    """
    text, optional = _plain(annotation)
    choices = _literal_choices(text)
    kind = EntryKind.CHOICE if choices else _kind(text, default)
    optional = optional or (not required and default is None)
    return Parameter(
        name=name,
        kind=kind,
        required=required,
        default=default,
        optional=optional,
        choices=choices,
        description=description,
        positional=positional,
    )


def title(plan_name: str) -> str:
    """Return the readable name of a plan: "Energy scan" for "energy_scan"."""
    return _capital(plan_name.replace("_", " ").strip())


def prose(text: str) -> str:
    """Return a description with readable names in place of those in backquotes: "delay" for "`delay_ps`"."""
    return re.sub(r"`(\w+)`", lambda found: _spoken(found[1]), text)


def _spoken(name: str) -> str:
    words = without_unit(name).replace("_", " ").strip()
    return _WORDS.get(words, words)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _plain(annotation: str) -> tuple[str, bool]:
    """Return the annotation without quotes, module names and None, and whether it contained None."""
    text = annotation.strip().strip("'\"")
    text = re.sub(r"\b(?:typing|collections\.abc|builtins)\.", "", text)
    optional = bool(re.match(r"Optional\[", text)) or bool(re.search(r"(^|[|,\[])\s*None(Type)?\s*($|[|,\]])", text))
    text = re.sub(r"^Optional\[(.*)\]$", r"\1", text)
    text = re.sub(r"^Union\[(.*),\s*None(Type)?\]$", r"\1", text)
    return re.sub(r"\s*\|\s*None$|^None\s*\|\s*", "", text).strip(), optional


def _literal_choices(text: str) -> tuple[str, ...]:
    found = re.fullmatch(r"Literal\[(.*)\]", text)
    if found is None:
        return ()
    values = ast.literal_eval(f"({found[1]},)")
    return tuple(values) if all(isinstance(value, str) for value in values) else ()


def _kind(text: str, default: Any) -> EntryKind:
    plain = {"float": EntryKind.NUMBER, "int": EntryKind.INTEGER, "bool": EntryKind.FLAG, "str": EntryKind.TEXT}
    if text in plain:
        return plain[text]
    if re.match(r"(Sequence|list|List|tuple|Tuple|Iterable)\[.*(Region|uple\[)", text):
        return EntryKind.REGIONS
    if re.match(r"(Sequence|list|List|Iterable)\[(float|int|float \| int|Union\[float, int\])\]", text):
        return EntryKind.NUMBERS
    if re.match(r"(Mapping|dict|Dict|MutableMapping)\b", text):
        return EntryKind.MAPPING
    return _kind_of_default(default) if not text else EntryKind.OTHER


def _kind_of_default(default: Any) -> EntryKind:
    by_type = {
        bool: EntryKind.FLAG,
        float: EntryKind.NUMBER,
        int: EntryKind.INTEGER,
        str: EntryKind.TEXT,
        dict: EntryKind.MAPPING,
    }
    return by_type.get(type(default), EntryKind.OTHER)
