"""Columns of a user's own: functions in `<data folder>/columns.py` that are called with each run.

The file is the user's program and is executed with all rights of the process. It is therefore refused if other users
can change it.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from errors import InputError
from reduction.columns import UNIT_ATTRIBUTE
from reduction.events import PRIMARY, events_of
from reduction.kinds import RunReduction, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reduction.run_kind import RunCurve, RunResults
    from reduction.types import Document, Documents

FILE_NAME = "columns.py"

LONGEST_TEXT = 200
"""Longest text of a cell, characters."""

LONGEST_ERROR = 2000
"""Longest error of a function, characters."""


@dataclass(frozen=True, kw_only=True)
class ColumnValue:
    """Value of a column for a run: a number with an error (0 without one) or a text, or the `error` of the function.

    `version` is that of the file that computed it.
    """

    value: float | None = None
    sigma: float = 0.0
    text: str = ""
    error: str = ""
    version: str = ""


class ColumnRun:
    """A run as the functions of `columns.py` get it; results and curve are computed when they are first used."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.start: Document = documents[0][1]

    @cached_property
    def reduction(self) -> RunReduction:
        """The sums of the run, as its kind of run makes them.

        Raises ReductionError if the run has no start document, or an invalid one.
        """
        # HDF5 is imported for runs that are reduced only.
        from storage.image_reading import read_image

        return summed(self.documents, read_image)

    @cached_property
    def results(self) -> RunResults:
        """The results of the run, as `reduce` gives them. Raises ReductionError if the run cannot be reduced."""
        return self.reduction.results()

    @cached_property
    def curve(self) -> RunCurve:
        """The run as one curve with `x`, `y` and `sigma`, (points,) each."""
        return self.reduction.curve()

    @cached_property
    def events(self) -> list[Mapping[str, Any]]:
        """The data of all exposures, in order."""
        streams = {doc["uid"]: doc.get("name") for name, doc in self.documents if name == "descriptor"}
        return [
            event["data"]
            for name, doc in self.documents
            if name in ("event", "event_page") and streams.get(doc["descriptor"], PRIMARY) == PRIMARY
            for event in events_of(name, doc)
        ]


@dataclass(frozen=True, kw_only=True)
class UserColumns:
    """The columns of one version of a file: functions and units by name; `problem` is why the file cannot be used."""

    functions: Mapping[str, Callable[[ColumnRun], Any]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    problem: str = ""

    def cells(self, run: ColumnRun) -> dict[str, ColumnValue]:
        """Return the cell of each column for one run; raises nothing: an error stands in its cell."""
        return {name: self._cell(function, run) for name, function in self.functions.items()}

    def _cell(self, function: Callable[[ColumnRun], Any], run: ColumnRun) -> ColumnValue:
        try:
            value = function(run)
            return _as_cell(value, self.version)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a user's function may raise anything
            return ColumnValue(error=f"{type(error).__name__}: {error}"[:LONGEST_ERROR], version=self.version)


def read_columns(root: Path) -> UserColumns:
    """Return the columns of the data folder `root`, none without a file; raises nothing: see `UserColumns.problem`."""
    path = root / FILE_NAME
    try:
        with path.open("rb") as file:
            # The open file is checked, and not its path: between a check and the reading another file could take its
            # place.
            _require_own(path, os.fstat(file.fileno()))
            source = file.read()
    except FileNotFoundError:
        return UserColumns()
    except (OSError, InputError) as error:
        return UserColumns(problem=str(error))
    # By content: a table shows by it which cells an edited file would compute differently, whatever the times of files
    # are.
    version = hashlib.sha256(source).hexdigest()[:12]
    names: dict[str, Any] = {"__name__": "columns", "__file__": str(path)}
    try:
        exec(compile(source, str(path), "exec"), names)  # noqa: S102  # the user's own program
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a user's file may raise anything
        return UserColumns(version=version, problem=f"{path}: {type(error).__name__}: {error}")
    functions = {name: one for name, one in names.items() if callable(one) and hasattr(one, UNIT_ATTRIBUTE)}
    units = {name: str(getattr(one, UNIT_ATTRIBUTE)) for name, one in functions.items()}
    return UserColumns(functions=functions, units=units, version=version)


def _require_own(path: Path, status: os.stat_result) -> None:
    """Raise InputError if the file belongs to another user than this process, root apart, or others can write it."""
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(
            f"{path} is not executed, because another user owns it or can change it: it would run with your rights. "
            f"Read it, and if you trust it, make it your own: cp {path} FILE; mv FILE {path}; chmod go-w {path}."
        )


def _as_cell(value: Any, version: str) -> ColumnValue:
    if value is None or isinstance(value, str):
        return ColumnValue(text=(value or "")[:LONGEST_TEXT], version=version)
    pair = value if isinstance(value, tuple) else (value, 0.0)
    number, sigma = (float(one) for one in pair)
    if not math.isfinite(number):
        return ColumnValue(text=str(number), version=version)
    return ColumnValue(value=number, sigma=sigma if math.isfinite(sigma) else 0.0, version=version)
