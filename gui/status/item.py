"""Lines of the device status: process variables, their conversion to a value, and the range that is good."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gui.quantity_text import age_text
from gui.types import Severity


def first_value(values: tuple[float, ...]) -> float:
    """Return the value of the only process variable, in its own unit."""
    return values[0]


@dataclass(frozen=True, kw_only=True)
class StatusItem:
    """One line of the device status.

    `convert` makes one value from those of the process variables `pvs`, which are only read. A "number" is shown in
    `unit` with `decimals`, and is good between `low` and `high`. A "state" has in `words` a word for each value, and
    whether it is "good", needs attention ("warning"), or stops the measurement ("bad").
    """

    label: str
    pvs: tuple[str, ...]
    unit: str = ""
    kind: Literal["number", "state"] = "number"
    low: float | None = None
    high: float | None = None
    words: Mapping[int, tuple[str, Severity]] = field(default_factory=dict)
    convert: Callable[[tuple[float, ...]], float] = first_value
    decimals: int = 2


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The latest `value` of an item, None before the first. `at_s`: `time.monotonic()` of its last change."""

    value: float | None = None
    connected: bool = False
    at_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class ShownItem:
    """An item as it is shown: state as `shape` and `word`, value with unit, and its age."""

    shape: str
    word: str
    severity: Severity
    value: str
    age: str


SHAPES: Mapping[Severity, str] = {"good": "●", "warning": "▲", "bad": "■", "unknown": "✕"}


def shown(item: StatusItem, reading: Reading, now_s: float) -> ShownItem:
    """Return how `item` is shown at `now_s`, `time.monotonic()`, s, its value in its unit.

    An item that is not connected is never good: its last value is shown, but not judged.
    """
    age = "" if reading.at_s is None else age_text(now_s - reading.at_s)
    value = "" if reading.value is None else _value_text(item, reading.value)
    if not reading.connected:
        return ShownItem(shape=SHAPES["unknown"], word="DISCONNECTED", severity="unknown", value=value, age=age)
    if reading.value is None:
        return ShownItem(shape=SHAPES["unknown"], word="NO VALUE", severity="unknown", value="", age=age)
    word, severity = _judge(item, reading.value)
    return ShownItem(shape=SHAPES[severity], word=word, severity=severity, value=value, age=age)


def _judge(item: StatusItem, value: float) -> tuple[str, Severity]:
    if item.kind == "state":
        return item.words.get(round(value), ("UNKNOWN STATE", "unknown"))
    if not math.isfinite(value):
        return "NOT A NUMBER", "bad"
    if item.low is not None and value < item.low:
        return "TOO LOW", "bad"
    if item.high is not None and value > item.high:
        return "TOO HIGH", "bad"
    return "OK", "good"


def _value_text(item: StatusItem, value: float) -> str:
    if item.kind == "state":
        return item.words.get(round(value), (f"{value:g}", "unknown"))[0].lower()
    return f"{value:.{item.decimals}f} {item.unit}".rstrip()
