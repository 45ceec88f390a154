"""The table of the campaign: measured numbers beside what they are compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reduction.number_text import with_error
from trxas.terminal.tables import table
from trxas.terminal.tables import table_text as as_text

RUNS_SHOWN = 4
"""Largest number of runs that a row of the printed table names; the JSON has all of them."""

HEADINGS = ("quantity", "compared with", "expected", "measured", "pull", "runs", "remark")

LARGEST_PULL = 3.0
"""Pull above which a measured number disagrees: 0.3 % of pulls by chance."""


class RowKind(StrEnum):
    """Source of the number that a measured one is compared with."""

    PAPER = "paper"
    """A number or a sign that the paper states."""

    TRUTH = "truth"
    """A number that the simulated sample has, whatever the paper says."""

    CONSISTENCY = "consistency"
    """A statement that holds for any sample, such as time zero at 0 ps after it was set."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured number and what is expected of it, both in `unit`.

    `expected_sigma` is 0 where the expected number is exact, or the statement is one such as "constant"; None for signs
    and classes, which are compared as they are. `expected` is None where only the truth of a simulated sample can be
    compared: `truth` is the name of that number in its file, such as "beam.irf_sigma_ps". `value` and `sigma` are None
    if they could not be determined. `uids` are the runs behind `value`. The `remark` gives the reason for a missing or
    a deviating value, or the source of the expected number.
    """

    name: str
    unit: str = ""
    kind: RowKind = RowKind.PAPER
    expected: float | None
    expected_sigma: float | None = None
    value: float | None
    sigma: float | None
    uids: tuple[str, ...]
    remark: str = ""
    truth: str = ""

    @property
    def pull(self) -> float | None:
        """Measured minus expected, divided by both errors together.

        None where nothing is expected, for signs and classes, and where the measured value or both errors are missing.
        """
        if self.expected is None or self.expected_sigma is None or self.value is None or self.sigma is None:
            return None
        error = math.hypot(self.sigma, self.expected_sigma)
        return (self.value - self.expected) / error if error > 0 else None

    @property
    def agrees(self) -> bool | None:
        """Whether the measured value is the expected one: within three errors, or the same sign or class.

        None if nothing is known: no value, nothing expected, or a sign that is not certain.
        """
        if self.pull is not None:
            return abs(self.pull) <= LARGEST_PULL
        # Only signs and classes are left here, which must be equal; the value 0 is an uncertain sign.
        if self.expected is None or self.expected_sigma is not None or not self.value:
            return None
        return self.value == self.expected

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `HEADINGS`."""
        measured = "not determined" if self.value is None else with_error(self.value, self.sigma)
        return (
            f"{self.name} ({self.unit})" if self.unit else self.name,
            str(self.kind),
            "" if self.expected is None else with_error(self.expected, self.expected_sigma or None),
            measured,
            "" if self.pull is None else f"{self.pull:+.1f}",
            self._runs(),
            self.remark,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the row for machines, with all its runs; unknown numbers are None."""
        return {
            "name": self.name,
            "unit": self.unit,
            "kind": str(self.kind),
            "expected": self.expected,
            "expected_sigma": self.expected_sigma,
            "value": self.value,
            "sigma": self.sigma,
            "pull": self.pull,
            "agrees": self.agrees,
            "uids": list(self.uids),
            "remark": self.remark,
        }

    def _runs(self) -> str:
        runs = " ".join(uid[:8] for uid in self.uids[:RUNS_SHOWN])
        more = len(self.uids) - RUNS_SHOWN
        return f"{runs} and {more} more" if more > 0 else runs


def table_text(rows: Sequence[Row]) -> str:
    """Return the rows as a table with headings, which fits the terminal; in a pipe nothing is folded."""
    return as_text(table(HEADINGS, (row.cells() for row in rows), right=["pull"]))
