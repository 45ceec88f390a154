"""States, plans and outcomes as they are shown: a shape and a word, a line of arguments."""

from __future__ import annotations

import time
from collections.abc import Mapping

from gui.control.engine import Engine
from gui.control.entries import text_of
from gui.control.parameters import EntryKind, Parameter
from gui.control.plan_signature import PlanSignature
from gui.control.snapshot import Outcome, QueueItem
from gui.types import Severity

ENGINE_SIGNS: Mapping[Engine, tuple[str, Severity]] = {
    Engine.NO_SERVER: ("✕", "bad"),
    Engine.CLOSED: ("○", "unknown"),
    Engine.CHANGING: ("◌", "warning"),
    Engine.IDLE: ("●", "good"),
    Engine.BETWEEN: ("◌", "good"),
    Engine.RUNNING: ("▶", "good"),
    Engine.PAUSING: ("◆", "warning"),
    Engine.PAUSED: ("❚❚", "warning"),
    Engine.ENDING: ("■", "warning"),
    Engine.BUSY: ("◆", "unknown"),
    Engine.AT_PROMPT: ("❚❚", "warning"),
    Engine.NO_PLAN: ("○", "unknown"),
}
"""Shape and severity of each state; the word is the state's value."""

OUTCOME_SIGNS: Mapping[str, tuple[str, Severity]] = {
    "completed": ("✓", "good"),
    "stopped": ("■", "warning"),
    "aborted": ("■", "bad"),
    "failed": ("✕", "bad"),
    "halted": ("✕", "bad"),
}
"""Shape and severity of the ways in which a plan can end."""

MAXIMUM_LENGTH = 60
"""Longest text of one argument in a line of the queue; longer ones are cut."""


def arguments_line(item: QueueItem, signature: PlanSignature | None) -> str:
    """Return the arguments of a queued plan in one line: "Br K · delay 100 ps · dwell 2 s"."""
    parameters = {one.name: one for one in signature.parameters} if signature else {}
    words = [str(value) for value in item.args]
    words += [_words(value, parameters.get(name) or _unknown(name)) for name, value in item.arguments.items()]
    return "  ·  ".join(words)


def outcome_line(outcome: Outcome) -> str:
    """Return shape and word for how a plan ended."""
    return f"{OUTCOME_SIGNS.get(outcome.status, ('◆', ''))[0]} {outcome.status}"


def clock(time_s: float) -> str:
    """Return the local time of a Unix time in s: "14:05:12", with the date if it is not today; "" for 0."""
    if not time_s:
        return ""
    then = time.localtime(time_s)
    form = "%H:%M:%S" if then[:3] == time.localtime()[:3] else "%Y-%m-%d %H:%M"
    return time.strftime(form, then)


def _words(value: object, parameter: Parameter) -> str:
    try:
        text = text_of(value, parameter)
    except (TypeError, ValueError):
        text = repr(value)
    text = text if len(text) <= MAXIMUM_LENGTH else f"{text[: MAXIMUM_LENGTH - 1]}…"
    if parameter.kind in (EntryKind.CHOICE, EntryKind.TEXT) and parameter.required:
        return text
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"{parameter.label[:1].lower()}{parameter.label[1:]} {text or '(none)'}{unit}"


def _unknown(name: str) -> Parameter:
    return Parameter(name=name, kind=EntryKind.OTHER)
