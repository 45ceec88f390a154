"""Searches for runs: parsing what users type, and matching it with runs."""

from __future__ import annotations

import operator
import re
import shlex
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from errors import InputError
from gui.number_entry import read_number
from storage import RunSummary
from storage.notes import Note

HINT = 'CsPbBr3  edge="Br K"  plan=energy_scan  scan=12  date=2026-11-03  fluence_mj_cm2>5  rating>=4  tags=good'
"""Examples of searches."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_TERM = re.compile(r"([A-Za-z_][\w.]*)(<=|>=|!=|=|:|<|>)(.*)")
_NOTED = ("comment", "rating", "tags")
_SHORT = {"plan": "plan_name", "scan": "scan_id"}


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """A run in the list: its summary, its start document, and what people have noted about it."""

    summary: RunSummary
    start: Mapping[str, Any] = field(repr=False)
    note: Note = field(default_factory=Note)


@dataclass(frozen=True, kw_only=True)
class Term:
    """One condition: a metadata key, "=", "!=", "<", ... and a text; a bare word has neither key nor comparison."""

    key: str
    comparison: str
    text: str

    def fits(self, run: ListedRun) -> bool:
        """Return whether the run meets the condition; for a key that the run lacks only "!=" is met.

        Numbers are compared in the unit of the key, dates as far as they are given (year, month, day).
        """
        if not self.key:
            return any(self.text in words for words in _searched(run))
        if self.key == "date":
            return _date_fits(self, run.summary.time_s)
        # A key that a run lacks is different from every value, so it fulfils "!=" and nothing else.
        value = _value(run, self.key)
        if value is None:
            return self.comparison == "!="
        if self.comparison in _COMPARISONS:
            return _compares(self, value)
        return _equals(value, self.text) != (self.comparison == "!=")


@dataclass(frozen=True)
class Search:
    """Conditions, all of which a run must meet; without conditions every run matches."""

    terms: tuple[Term, ...] = ()

    def fits(self, run: ListedRun) -> bool:
        """Return whether the run meets all conditions."""
        return all(term.fits(run) for term in self.terms)


def parse_search(text: str) -> Search:
    """Return the search in `text`: words, and conditions such as edge="Br K", date>=2026-11-01, scan=12.

    Words are searched for in sample, edge, plan, series, status, scan id, uid, date, comment and tags. Raises
    InputError for an unclosed quote, an invalid date, or a comparison with something that is not a number.
    """
    try:
        parts = shlex.split(text)
    except ValueError:
        raise InputError(f'The search {text!r} has an unclosed quote. Write for example edge="Br K".') from None
    return Search(tuple(_term(part) for part in parts))


def _term(part: str) -> Term:
    found = _TERM.fullmatch(part)
    if found is None:
        return Term(key="", comparison="", text=_plain(part))
    key, comparison, text = found.groups()
    if key == "date" and not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text):
        raise InputError(f"date{comparison}{text} is not a date. Write it as 2026, 2026-11 or 2026-11-03.")
    if comparison in _COMPARISONS and key != "date":
        text = repr(read_number(text, key).value)
    return Term(key=_SHORT.get(key, key), comparison="=" if comparison == ":" else comparison, text=text)


def _plain(text: str) -> str:
    """Return a text in lower case, with each accent combined with its letter, as keyboards differ in that."""
    return unicodedata.normalize("NFC", text).lower()


def _searched(run: ListedRun) -> list[str]:
    summary = run.summary
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.time_s))
    words = (summary.sample, summary.edge, summary.plan_name, summary.status, str(run.start.get("series", "")))
    noted = (run.note.comment, *run.note.tags)
    return [_plain(word) for word in (*words, str(summary.scan_id), summary.uid, when, *noted)]


def _value(run: ListedRun, key: str) -> Any:
    if key == "status":
        return run.summary.status
    if key in _NOTED:
        # A run without a comment, a rating or tags lacks them.
        return getattr(run.note, key) or None
    value: Any = run.start
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _equals(value: Any, text: str) -> bool:
    # A list, such as the modes of a run, is met by any of its values. Texts are compared without regard to capitals, as
    # people type them; numbers as numbers, so that "12" finds 12.0. A flag is a text here: float("1") == True would
    # find it by accident.
    if isinstance(value, list | tuple):
        return any(_equals(part, text) for part in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _plain(str(value)) == _plain(text)
    try:
        return float(text) == value
    except ValueError:
        return False


def _compares(term: Term, value: Any) -> bool:
    try:
        return _COMPARISONS[term.comparison](float(value), float(term.text))
    except (TypeError, ValueError):
        return False


def _date_fits(term: Term, time_s: float) -> bool:
    date = time.strftime("%Y-%m-%d", time.localtime(time_s))[: len(term.text)]
    if term.comparison in _COMPARISONS:
        return _COMPARISONS[term.comparison](date, term.text)
    return (date == term.text) != (term.comparison == "!=")
