"""If these fail, `trxas paper` finds other numbers than those of the sample, whatever the sample is.

The campaign is stored: every section of the paper, on a sample of which every truth differs from that of the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import chi2

from sim.physics.sample import DEFAULT_SAMPLE
from tests.support.changed_campaign import MEASURED, SAMPLE, runs_of
from trxas.validation.paper.known_truth import truths_in
from trxas.validation.paper.summary import rows_with_truth
from trxas.validation.paper.table import Row, RowKind

LARGEST_PULL = 4.0
"""One of 25 numbers beyond it by chance in 600 campaigns; this one is stored."""

RECOVERED = {
    *("tau1", "tau2", "fraction1", "fraction2", "offset", "time zero, as found", "instrument response, sigma"),
    *(f"Br inverse absolute area, {delay}, without noise" for delay in ("100 ps", "10.1 ns", "163.5 ns")),
    *(f"Br transient, {delay} over 100 ps" for delay in ("10.1 ns", "163.5 ns")),
    *(f"Br transient, {delay} over 100 ps, corrected" for delay in ("10.1 ns", "163.5 ns")),
    "Br backlash, with its sign",
}
"""Numbers that the sample file determines."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The rows of all sections; each run is read once."""
    cache: dict[tuple[str, str], Any] = {}
    return [row for section in MEASURED for row in section.reduce(runs_of(section, cache)).rows]


def test_every_truth_is_recovered_within_its_error(rows: list[Row]) -> None:
    assert all(math.isfinite(number) for row in rows for number in (row.value, row.sigma) if number is not None)
    found = recovered(rows, SAMPLE)
    assert {row.name for row in found} == RECOVERED
    for row in found:
        assert row.pull is not None, f"{row.name}: {row.remark}"
        assert abs(row.pull) < LARGEST_PULL, f"{row.name}: {row.value} +- {row.sigma}, truth {row.expected}"


def test_the_truths_are_recovered_together(rows: list[Row]) -> None:
    """Errors that are all a little too small or too large show in the sum, at 1 in 1000 on either side."""
    pulls = [row.pull or 0.0 for row in recovered(rows, SAMPLE)]
    assert 1e-3 < chi2.sf(sum(pull**2 for pull in pulls), len(pulls)) < 1 - 1e-3


def test_the_rows_fail_against_another_sample(rows: list[Row]) -> None:
    """Lost: a table that agrees with anything."""
    wrong = [row.name for row in recovered(rows, DEFAULT_SAMPLE) if row.agrees is False]
    assert {"time zero, as found", "fraction1"} <= set(wrong)
    assert len(wrong) >= 4


def test_what_holds_for_any_sample_holds_for_this_one(rows: list[Row]) -> None:
    assert [row.name for row in rows if row.kind is RowKind.CONSISTENCY and row.agrees is False] == []


def recovered(rows: Sequence[Row], sample: Path) -> list[Row]:
    """The rows that compare with the truth of a sample, by its file."""
    truths = truths_in(sample.read_text(encoding="utf-8"))
    return [row for row in rows_with_truth(rows, truths) if row.kind is RowKind.TRUTH]
