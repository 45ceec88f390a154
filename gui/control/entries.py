"""Text that a person typed into a value of a plan's parameter, and back; wrong text is refused with the remedy."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from errors import InputError, OutOfRangeError
from gui.control.parameters import Kind, Parameter

MAXIMUM_POINTS = 10_000
"""More points in one list are taken for a mistake in a step, as the plans themselves do."""


@dataclass(frozen=True)
class Limits:
    """Inclusive limits of a value, in the parameter's unit."""

    low: float
    high: float


def value_of(text: str, parameter: Parameter, limits: Limits | None = None) -> Any:
    """The value that `text` means; None for an empty optional field.

    Raises InputError, or OutOfRangeError with the limits, naming the field as the form shows it.
    """
    text = text.strip()
    if not text:
        return _empty(parameter)
    value = _READERS[parameter.kind](text, parameter)
    for number in _numbers_in(value, parameter.kind):
        if limits is not None and not limits.low <= number <= limits.high:
            raise OutOfRangeError(parameter.label, number, limits.low, limits.high, parameter.unit)
    return value


def text_of(value: Any, parameter: Parameter) -> str:
    """The text that means `value`: `value_of(text_of(v, p), p) == v`; "" for None."""
    if value is None:
        return ""
    if parameter.kind is Kind.NUMBERS:
        return ", ".join(_number_text(number) for number in value)
    if parameter.kind is Kind.REGIONS:
        return ", ".join(":".join(_number_text(number) for number in region) for region in value)
    if parameter.kind is Kind.MAPPING:
        return ", ".join(f"{key} = {item!r}" for key, item in dict(value).items())
    if parameter.kind in (Kind.NUMBER, Kind.INTEGER):
        return _number_text(value)
    return repr(value) if parameter.kind is Kind.OTHER else str(value)


def example_of(kind: Kind) -> str:
    """What a field of this kind may look like, shown while it is empty."""
    return _EXAMPLES.get(kind, "")


def _empty(parameter: Parameter) -> Any:
    if parameter.optional:
        return None
    if parameter.kind is Kind.TEXT and not parameter.required:
        return ""
    unit = f" in {parameter.unit}" if parameter.unit else ""
    raise InputError(f"{parameter.label} is empty. Give a {parameter.kind.value}{unit}.")


def _number(text: str, parameter: Parameter) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        unit = f" of {parameter.unit}" if parameter.unit else ""
        raise InputError(f"{parameter.label} = {text!r} is not a finite number{unit}, such as 12.5 or -3e4.")
    return value


def _integer(text: str, parameter: Parameter) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{parameter.label} = {text!r} is not a whole number, such as 3.") from None


def _flag(text: str, parameter: Parameter) -> bool:
    words = {"true": True, "yes": True, "false": False, "no": False}
    if text.lower() not in words:
        raise InputError(f"{parameter.label} = {text!r}: give yes or no.")
    return words[text.lower()]


def _choice(text: str, parameter: Parameter) -> str:
    if text not in parameter.choices:
        raise InputError(f"{parameter.label} = {text!r}: choose one of {', '.join(parameter.choices)}.")
    return text


def _numbers(text: str, parameter: Parameter) -> list[float]:
    values: list[float] = []
    for part in _parts(text):
        values += _range(part, parameter) if ":" in part else [_number(part, parameter)]
        if len(values) > MAXIMUM_POINTS:
            raise InputError(
                f"{parameter.label} has more than {MAXIMUM_POINTS} points. Check the step of a start:stop:step."
            )
    return values


def _range(part: str, parameter: Parameter) -> list[float]:
    start, stop, step = _region(part, parameter)
    count = math.floor((stop - start) / step + 1e-9)
    if count > MAXIMUM_POINTS:
        raise InputError(f"{parameter.label}: {part} has {count + 1} points, at most {MAXIMUM_POINTS} are allowed.")
    points = [round(start + index * step, 9) for index in range(count + 1)]
    return points if stop - points[-1] <= 1e-6 * step else [*points, stop]


def _regions(text: str, parameter: Parameter) -> list[list[float]]:
    return [list(_region(part, parameter)) for part in _parts(text)]


def _region(part: str, parameter: Parameter) -> tuple[float, float, float]:
    numbers = [_number(number, parameter) for number in part.split(":") if number]
    if len(numbers) != 3 or numbers[2] <= 0 or numbers[1] <= numbers[0]:
        unit = f" in {parameter.unit}" if parameter.unit else ""
        raise InputError(
            f"{parameter.label}: {part!r} is no region. Give start:stop:step{unit}, with stop above start and step "
            "above 0."
        )
    return numbers[0], numbers[1], numbers[2]


def _mapping(text: str, parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {}
    # A comma separates entries only where a name and an equals sign follow.
    for part in re.split(r",\s*(?=[A-Za-z_]\w*\s*=)", text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            raise InputError(f"{parameter.label}: {part.strip()!r} is not name = value. Separate several by commas.")
        found[name] = _literal_or_text(value)
    return found


def _literal_or_text(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _other(text: str, parameter: Parameter) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise InputError(
            f"{parameter.label} = {text!r} cannot be read. Give a number, a 'text' in quotes, or a list in brackets."
        ) from None


def _text(text: str, _parameter: Parameter) -> str:
    return text


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"[,;\s]+", text) if part]


def _numbers_in(value: Any, kind: Kind) -> Sequence[float]:
    if kind in (Kind.NUMBER, Kind.INTEGER):
        return [value]
    if kind is Kind.NUMBERS:
        return list(value)
    return [number for region in value for number in region[:2]] if kind is Kind.REGIONS else []


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


_READERS = {
    Kind.NUMBER: _number,
    Kind.INTEGER: _integer,
    Kind.FLAG: _flag,
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.NUMBERS: _numbers,
    Kind.REGIONS: _regions,
    Kind.MAPPING: _mapping,
    Kind.OTHER: _other,
}
_EXAMPLES = {
    Kind.NUMBERS: "-500, 0:90:15, 1e3",
    Kind.REGIONS: "13450:13462:2, 13462:13480:0.5",
    Kind.MAPPING: "operator = 'A. B.', vial = 7",
}
