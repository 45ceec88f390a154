"""The table of the campaign: published numbers beside the measured ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reduction.number_text import with_error
from trxas.terminal.tables import table
from trxas.terminal.tables import table_text as as_text

RUNS_SHOWN = 4
"""Largest number of runs that a row of the printed table names; the JSON has all of them."""

HEADINGS = ("quantity", "published", "measured", "pull", "runs", "remark")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One published number and its measurement, both in `unit`.

    `published_sigma` is None where the paper gives no error; it is 0 where the published number is exact, or a
    statement such as "constant". `value` and `sigma` are None if they could not be determined. `uids` are the runs
    behind `value`. The `remark` gives the reason for a missing or a deviating value, or the source of the published
    number.
    """

    name: str
    unit: str = ""
    published: float
    published_sigma: float | None = None
    value: float | None
    sigma: float | None
    uids: tuple[str, ...]
    remark: str = ""

    @property
    def pull(self) -> float | None:
        """Measured minus published, divided by both errors together.

        None where the paper gives no error, and where the measured value or both errors are missing.
        """
        if self.published_sigma is None or self.value is None or self.sigma is None:
            return None
        error = math.hypot(self.sigma, self.published_sigma)
        return (self.value - self.published) / error if error > 0 else None

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Return name, published, measured, pull, runs and remark as text, in the order of `HEADINGS`."""
        measured = "not determined" if self.value is None else with_error(self.value, self.sigma)
        return (
            f"{self.name} ({self.unit})" if self.unit else self.name,
            with_error(self.published, self.published_sigma),
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
            "published": self.published,
            "published_sigma": self.published_sigma,
            "value": self.value,
            "sigma": self.sigma,
            "pull": self.pull,
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
