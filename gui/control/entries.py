"""Text typed into a form as the value of a plan's parameter, and back."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from errors import InputError, OutOfRangeError
from gui.control.entry_hints import request_for
from gui.control.parameters import EntryKind, Parameter
from gui.control.regions import points_of_region
from gui.number_entry import EnteredNumber, plain_text, read_number

MAXIMUM_POINTS = 10_000
"""Largest number of points in one list, as in the plans; more are taken for a mistake in a step."""

MOST_COMMAS = 8
"""Commas between digits that are read one by one: 256 ways of reading."""

EVENLY_SPACED = 5
"""Evenly spaced numbers that are shown as start:stop:step."""

T = TypeVar("T")

_GLUED_COMMA = re.compile(r"(?<=\d),(?=\d)")


@dataclass(frozen=True)
class Limits:
    """Inclusive limits of a value, in the parameter's unit."""

    low: float
    high: float


def value_of(text: str, parameter: Parameter, limits: Limits | None = None) -> Any:
    """Return the value that `text` means, in the parameter's unit; None for an empty optional field.

    Raises InputError if the text cannot be read or has two meanings, and OutOfRangeError beyond
    `limits`. Messages name the field as the form shows it.
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
    """Return the text that means `value`: `value_of(text_of(v, p), p) == v`; "" for None."""
    if value is None:
        return ""
    if parameter.kind is EntryKind.NUMBERS:
        return _numbers_text(list(value))
    if parameter.kind is EntryKind.REGIONS:
        return ", ".join(":".join(_number_text(number) for number in region) for region in value)
    if parameter.kind is EntryKind.WORDS:
        return ", ".join(map(str, value))
    if parameter.kind is EntryKind.MAPPING:
        return _mapping_text(value)
    if parameter.kind is EntryKind.MAPPINGS:
        return "; ".join(map(_mapping_text, value))
    if parameter.kind in (EntryKind.NUMBER, EntryKind.INTEGER):
        return _number_text(value)
    return repr(value) if parameter.kind is EntryKind.OTHER else str(value)


def _empty(parameter: Parameter) -> Any:
    if parameter.optional:
        return None
    if parameter.kind is EntryKind.TEXT and not parameter.required:
        return ""
    raise InputError(request_for(parameter))


def _number(text: str, parameter: Parameter) -> float:
    return read_number(text, parameter.label, parameter.unit).value


def _integer(text: str, parameter: Parameter) -> int:
    try:
        value = _number(text, parameter)
    except InputError as error:
        if "can mean" in str(error):
            raise
        value = math.nan
    if not value.is_integer() or re.search(r"[.eE]", text):
        raise InputError(f"{parameter.label} = {text!r} is not a whole number, such as 3.")
    return int(value)


def _flag(text: str, parameter: Parameter) -> bool:
    words = {"true": True, "yes": True, "false": False, "no": False}
    if text.lower() not in words:
        raise InputError(f"{parameter.label} = {text!r} is neither yes nor no. Write one of them.")
    return words[text.lower()]


def _choice(text: str, parameter: Parameter) -> str:
    if text not in parameter.choices:
        raise InputError(f"{parameter.label} = {text!r} is not offered: choose one of {', '.join(parameter.choices)}.")
    return text


def _numbers(text: str, parameter: Parameter) -> list[float]:
    return _only_reading(text, parameter, _separated_numbers)


def _regions(text: str, parameter: Parameter) -> list[list[float]]:
    return _only_reading(text, parameter, _separated_regions)


def _only_reading(text: str, parameter: Parameter, read: Callable[[str, Parameter], T]) -> T:
    """Return the one meaning of a list.

    A comma between two digits may separate decimals or entries. Both readings of all commas are tried. If just one
    makes sense, it holds; if both do, decimals win where semicolons separate the entries; otherwise an InputError names
    both. If neither does, commas may differ: "13450:13462:2,13462:13480:0,5" has one of each kind.
    """
    # Commas are the difficulty: "1,2" is two entries for one person, and 1.2 for another. A comma with a space beside
    # it separates entries for everybody. For commas between digits, both readings of the whole text are tried, and the
    # one that makes sense is taken: regions need three ascending numbers, units must fit. Only if both make sense is
    # the user asked, because a guess here moves a monochromator.
    plain = plain_text(text)
    if not _GLUED_COMMA.search(plain):
        return read(plain, parameter)
    decimals = _GLUED_COMMA.sub(".", plain)
    entries = _GLUED_COMMA.sub(", ", plain)
    meanings = _meanings((decimals, entries), parameter, read) or _meanings(_mixed(plain), parameter, read)
    if not meanings:
        return read(entries, parameter)
    if len(meanings) == 1:
        return next(iter(meanings.values()))
    if ";" in plain and decimals in meanings:
        return meanings[decimals]
    first, second = (_spelled_out(meaning, parameter) for meaning in list(meanings.values())[:2])
    raise InputError(
        f"{parameter.label} = {text!r} can mean {_shortened(first)}, or {_shortened(second)}. Write decimals with a "
        "point, and a space after each comma."
    )


def _meanings(texts: Iterable[str], parameter: Parameter, read: Callable[[str, Parameter], T]) -> dict[str, T]:
    """Return the results of `read` for those of the `texts` that it accepts."""
    found: dict[str, T] = {}
    for text in texts:
        try:
            found[text] = read(text, parameter)
        except InputError:
            continue
    return found


def _mixed(text: str) -> Iterator[str]:
    """Yield every way to read the commas between digits, each by itself; nothing for more than `MOST_COMMAS`."""
    pieces = _GLUED_COMMA.split(text)
    if len(pieces) <= MOST_COMMAS:
        for marks in itertools.product((".", ", "), repeat=len(pieces) - 1):
            yield "".join(itertools.chain.from_iterable(zip(pieces, (*marks, ""), strict=True)))


def _separated_numbers(text: str, parameter: Parameter) -> list[float]:
    values: list[float] = []
    entered: list[EnteredNumber] = []
    for part in _parts(text):
        if ":" in part:
            values += _range(part, parameter, entered)
        else:
            entered.append(read_number(part, parameter.label, parameter.unit))
            values.append(entered[-1].value)
        if len(values) > MAXIMUM_POINTS:
            raise InputError(
                f"{parameter.label} has more than {MAXIMUM_POINTS} points. Check the step of a start:stop:step."
            )
    _check_units(text, entered, parameter)
    return values


def _separated_regions(text: str, parameter: Parameter) -> list[list[float]]:
    entered: list[EnteredNumber] = []
    regions = [list(_region(part, parameter, entered)) for part in _parts(text)]
    _check_units(text, entered, parameter)
    return regions


def _check_units(text: str, entered: Sequence[EnteredNumber], parameter: Parameter) -> None:
    """Raise InputError if only some of the numbers have a unit that differs from that of the field."""
    foreign = next((one.unit for one in entered if one.unit not in ("", parameter.unit)), "")
    if foreign and any(not one.unit and one.value for one in entered):
        raise InputError(
            f"{parameter.label} = {text!r}: some numbers have the unit {foreign}, others have none and can mean "
            f"{foreign} or {parameter.unit}. Write the unit at each number."
        )


def _range(part: str, parameter: Parameter, entered: list[EnteredNumber]) -> list[float]:
    start, stop, step = _region(part, parameter, entered)
    count = math.floor((stop - start) / step + 1e-9)
    if count > MAXIMUM_POINTS:
        raise InputError(f"{parameter.label}: {part} has {count + 1} points, at most {MAXIMUM_POINTS} are allowed.")
    return points_of_region(start, stop, step)


def _region(part: str, parameter: Parameter, entered: list[EnteredNumber]) -> tuple[float, float, float]:
    numbers = [read_number(number, parameter.label, parameter.unit) for number in part.split(":") if number]
    entered += numbers
    values = [number.value for number in numbers]
    if len(values) != 3 or values[2] <= 0 or values[1] <= values[0]:
        unit = f" in {parameter.unit}" if parameter.unit else ""
        raise InputError(
            f"{parameter.label}: {part!r} is not a region. Give start:stop:step{unit}, with stop above start and step "
            "above 0."
        )
    return values[0], values[1], values[2]


def _mapping(text: str, parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {}
    # A comma separates entries only where a name and an equals sign follow.
    for part in re.split(r",\s*(?=[A-Za-z_]\w*\s*=)", text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            raise InputError(f"{parameter.label}: {part.strip()!r} is not name = value. Separate several by commas.")
        found[name] = _metadata_value(name, value, parameter)
    return found


def _metadata_value(name: str, text: str, parameter: Parameter) -> Any:
    plain = plain_text(text)
    if re.fullmatch(r"[+-]?\d+,\d+", plain):
        decimal = plain.replace(",", ".")
        entries = plain.replace(",", ", ")
        raise InputError(
            f"{parameter.label}: {name} = {text} can mean {decimal} or the list {entries}. Write {decimal}, or "
            f"[{entries}]."
        )
    for candidate in (text, plain):
        try:
            return ast.literal_eval(candidate)
        except (ValueError, SyntaxError):
            continue
    return text


def _other(text: str, parameter: Parameter) -> Any:
    try:
        return ast.literal_eval(plain_text(text))
    except (ValueError, SyntaxError):
        raise InputError(
            f"{parameter.label} = {text!r} cannot be read. Give a number, a 'text' in quotes, or a list in brackets."
        ) from None


def _text(text: str, _parameter: Parameter) -> str:
    return text


def _words(text: str, _parameter: Parameter) -> list[str]:
    return [word for word in map(str.strip, re.split(r"[,;]", text)) if word]


def _mappings(text: str, parameter: Parameter) -> list[dict[str, Any]]:
    return [_mapping(part, parameter) for part in text.split(";") if part.strip()]


def _mapping_text(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {item!r}" for key, item in dict(value).items())


def _parts(text: str) -> list[str]:
    # A space before a letter belongs to a unit: "100 ps" is one entry.
    joined = re.sub(r"(?<=[\d.])\s+(?=[^\W\d_]|[°µ])", "", text)
    return [part for part in re.split(r"[,;\s]+", joined) if part]


def _numbers_in(value: Any, kind: EntryKind) -> Sequence[float]:
    if kind in (EntryKind.NUMBER, EntryKind.INTEGER):
        return [value]
    if kind is EntryKind.NUMBERS:
        return list(value)
    return [number for region in value for number in region[:2]] if kind is EntryKind.REGIONS else []


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _numbers_text(values: list[float]) -> str:
    """Return numbers with commas; evenly spaced ones, from five on, as start:stop:step, which fits into a field."""
    if len(values) >= EVENLY_SPACED and (step := values[1] - values[0]) > 0:
        text = ":".join(map(_number_text, (values[0], values[-1], step)))
        # Only if it means exactly these numbers: opening a form must not change a scan.
        if points_of_region(values[0], values[-1], step) == values:
            return text
    return ", ".join(map(_number_text, values))


def _spelled_out(value: Any, parameter: Parameter) -> str:
    """Return the text of a value with every number of a list, so that two readings can be compared."""
    return ", ".join(map(_number_text, value)) if parameter.kind is EntryKind.NUMBERS else text_of(value, parameter)


def _shortened(text: str, most: int = 40) -> str:
    """Return `text`, cut to `most` characters; a list is cut after a whole entry."""
    return text if len(text) <= most else f"{text[:most].rpartition(', ')[0] or text[:most]}, …"


_READERS: Mapping[EntryKind, Callable[[str, Parameter], Any]] = {
    EntryKind.NUMBER: _number,
    EntryKind.INTEGER: _integer,
    EntryKind.FLAG: _flag,
    EntryKind.TEXT: _text,
    EntryKind.CHOICE: _choice,
    EntryKind.NUMBERS: _numbers,
    EntryKind.REGIONS: _regions,
    EntryKind.WORDS: _words,
    EntryKind.MAPPING: _mapping,
    EntryKind.MAPPINGS: _mappings,
    EntryKind.OTHER: _other,
}
