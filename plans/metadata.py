"""Metadata that a run can store: checked as a whole before anything moves, with numpy values converted.

A start document passes the schema of bluesky's documents, the journal, and the catalogue, which stores numbers as
doubles; each rule is that of the strictest of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import numpy as np

from errors import InputError

LARGEST_INTEGER = 2**53
"""Largest integer that the catalogue returns unchanged, because it stores numbers as doubles."""

DEEPEST = 50
"""Largest depth of nested mappings and lists; the JSON of the catalogue fails beyond some hundred."""

ALLOWED = "Give strings, True, False, None, finite numbers, or lists and mappings of these."
"""Allowed metadata, as every refusal states it."""


def storable_metadata(md: Any, path: str = "md") -> dict[str, Any]:
    """Return `md` as it is stored: numpy scalars and arrays as numbers and lists, tuples as lists, enums as values.

    Raises InputError with the path of the key, such as md['laser']['power'], for everything that cannot be stored or
    would be returned changed: numbers that are not finite, integers beyond 2^53, keys that are empty, are not strings,
    or hold a dot or a slash, strings that are not Unicode, values nested deeper than 50 levels or inside themselves,
    and objects of any other kind.
    """
    if not isinstance(md, Mapping):
        raise InputError(f"{path} = {md!r}: give a mapping from strings to values, such as {{'vial': 7}}.")
    _check_depth(md, path)
    return _mapping(md, path)


def check_text(text: Any, name: str) -> str:
    """Return `text`; raise InputError naming it `name` unless it is a string without surrogates (half characters)."""
    if not isinstance(text, str):
        raise InputError(f"{name} = {text!r}: give a string.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{name} = {text!a} holds {text[error.start]!a}, which is not a character and cannot be stored. Remove it."
        ) from error
    return str(text)


def _check_depth(md: Any, path: str) -> None:
    # Depth first and without recursion: a list that holds itself has no deepest level.
    waiting = [(md, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise InputError(f"{path} is nested deeper than {DEEPEST} levels, or holds itself. Make it flatter.")
        if isinstance(value, Mapping | list | tuple):
            inner = value.values() if isinstance(value, Mapping) else value
            waiting.extend((one, depth + 1) for one in inner)


def _mapping(md: Mapping[Any, Any], path: str) -> dict[str, Any]:
    stored = {}
    for key, value in md.items():
        here = f"{path}[{key!r}]"
        if not isinstance(key, str):
            kind = type(key).__name__
            raise InputError(f"{here}: the key is of type {kind}. Give strings as keys, such as {str(key)!r}.")
        check_text(key, f"the key of {here!a}")
        if not key or any(forbidden in key for forbidden in "./"):
            raise InputError(f"{here}: a key must not be empty and must not hold a dot or a slash. Use '_' instead.")
        stored[str(key)] = _value(value, here)
    return stored


def _value(value: Any, path: str) -> Any:
    """Return one value as it is stored; `path` names it in errors."""
    # Order matters: a StrEnum is a str, and True is an int, yet both must be recognised first.
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()  # a scalar of numpy gives one of Python
    if value is None or isinstance(value, bool):
        return value
    for kinds, stored in _KINDS:
        if isinstance(value, kinds):
            return stored(value, path)
    raise InputError(f"{path} is a {type(value).__name__}, which cannot be stored. {ALLOWED}")


def _list(values: list[Any] | tuple[Any, ...], path: str) -> list[Any]:
    return [_value(one, f"{path}[{index}]") for index, one in enumerate(values)]


def _number(value: float, path: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{path} = {value!r} is not a finite number. Leave the key out, or give a string.")
    return float(value)


def _integer(value: int, path: str) -> int:
    if abs(value) > LARGEST_INTEGER:
        raise InputError(
            f"{path} = {value} lies beyond +-2^53 = {LARGEST_INTEGER}, where the catalogue rounds integers. Give it as "
            f"a string, {str(value)!r}, or in a larger unit."
        )
    return int(value)


_KINDS: tuple[tuple[Any, Callable[[Any, str], Any]], ...] = (
    (str, check_text),
    (int, _integer),
    (float, _number),
    (Mapping, _mapping),
    (list | tuple, _list),
)
"""Kinds of values that may be stored, each with its conversion; the first that fits is used."""
